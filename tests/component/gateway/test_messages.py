"""The log of messages as programs see it (G2)."""

from __future__ import annotations

import httpx

from deploy.local.stack import Stack
from gateway.api.message_models import MessageList, MessageWithChanges
from tests.component.gateway.conftest import Store
from tests.component.gateway.customer import customer
from tests.support.until import until


def test_a_message_is_found_read_and_decided_about_by_what_is_true_of_it(store: Store) -> None:
    """E7: one that was sent needs no decision."""
    order = store.order()
    address, order_id = order["contact"]["email"], order["order_id"]

    def sent() -> MessageList | None:
        found = MessageList.model_validate(store.get("/messages", recipient=address[:9], kind="order_placed").json())
        return found if [each.state for each in found.items] == ["sent"] else None

    [message] = until(sent, "the order e-mail is sent", 60).items
    assert (message.recipient, str(message.order_id), message.cause) == (address, order_id, "")
    whole = store.get(f"/messages/{message.message_id}")
    assert MessageWithChanges.model_validate(whole.json()).changes == []
    refused = store.post(f"/messages/{message.message_id}/decision", {"decision": "send_again", "attempts": 1})
    assert (refused.status_code, refused.json()["reason"]) == (409, "message_changed")
    for query in ({"state": "failed"}, {"day_to": "2020-01-01"}, {"customer_id": order_id}, {"channel": "sms"}):
        assert store.get("/messages", order_id=order_id, **query).json()["items"] == []
    assert store.get("/messages", recipient="ab").status_code == 422


def test_the_log_knows_when_a_phone_has_its_sms_and_that_one_did_not_get_it(stack: Stack, store: Store) -> None:
    """The provider tells afterwards, by the gateway, and signs it; nobody else is believed."""
    phone = store.person()["phone"]
    with customer(stack, store) as browser:
        browser.ask(phone)

    def told() -> dict[str, str]:
        [found] = store.get("/messages", recipient=phone).json()["items"]
        return found if found["delivered_at"] else {}

    message = until(told, "the phone has it", 60)
    assert message["state"] == "sent"
    forged = f"{store.url}/webhooks/sms/{store.get('/me').json()['store']['store_id']}/{message['message_id']}/1"
    answer = httpx.post(forged, data={"MessageStatus": "failed"}, headers={"X-Twilio-Signature": "x"}, trust_env=False)
    assert (answer.status_code, answer.text) == (400, "signature_refused")
    assert store.get(f"/messages/{message['message_id']}").json()["state"] == "sent"
