"""One person through the API: edited, noted, given another phone, deleted, erased, remembered (C4, C5, C9, C10, C12, F13)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg
import httpx

from deploy.local.provision import run_sync
from deploy.local.stack import Stack
from gateway.api.customer_models import Customer
from gateway.api.profile_models import NoteList, NoteOf, Removal, TimelineOut, UseConsents, UseConsentsPast
from onefold.identity_merge.v1 import service_pb2 as identity
from tests.component.gateway.conftest import Json, Store, key, problem
from tests.support.until import until


def send(store: Store, method: str, path: str, body: Any = None, language: str = "en") -> httpx.Response:
    headers = {"Idempotency-Key": key(), "Accept-Language": language}
    return store.http.request(method, path, json=body, headers=headers)


def edit(store: Store, customer: str, version: int = 0, **changes: Any) -> httpx.Response:
    return send(store, "PATCH", f"/customers/{customer}", {"expected_version": version, **changes})


async def turn_into(stack: Stack, store: Store, role: str) -> None:
    """Gives the store's owner another role, which nothing but the database can yet."""
    connection = await asyncpg.connect(stack.settings.databases["identity_merge"].admin)
    try:
        number = identity.StaffRole.Value(f"STAFF_ROLE_{role.upper()}")
        query = "UPDATE staff SET role = $1 WHERE store_id = (SELECT store_id FROM stores WHERE slug = $2)"
        assert await connection.execute(query, number, store.slug) == "UPDATE 1"
    finally:
        await connection.close()


def whole_timeline(store: Store, customer: str, size: int = 100) -> list[Json]:
    items: list[Json] = []
    token = ""
    while True:
        page = TimelineOut.model_validate(
            store.get(f"/customers/{customer}/timeline", page_size=size, page_token=token).json()
        )
        assert page.missing == []
        items += [item.model_dump() for item in page.items]
        if not page.next_page_token:
            return items
        token = page.next_page_token


def test_a_profile_is_edited_and_an_old_version_refused(store: Store) -> None:
    """C4."""
    member = store.member()
    version = store.get(f"/customers/{member}").json()["version"]
    address = {"recipient": "陳大文", "lines": ["彌敦道 1 號"], "country": "HK"}
    changed = edit(store, member, version, name="歐陽峯", birthday="1990-02-28", tags=["vip"], addresses=[address])
    assert changed.status_code == 200, changed.text
    customer = Customer.model_validate(changed.json())
    assert (customer.name, customer.birthday, customer.addresses[0].lines) == ("歐陽峯", "1990-02-28", ["彌敦道 1 號"])
    assert customer.tags == ["vip"]
    assert problem(edit(store, member, version, name="late"))[:2] == (409, "stale_version")
    assert problem(edit(store, member, name="n" * 121, birthday="2023-02-29"))[2] == {
        ("name", "too_long"),
        ("birthday", "invalid_date"),
    }
    assert problem(edit(store, member, phone="6123 4567"))[2] == {("phone", "login_not_editable")}
    assert problem(edit(store, member, nickname="x"))[2] == {("nickname", "unknown_field")}


def test_support_writes_notes_and_tags_and_changes_nothing_else(stack: Stack, new_store: Callable[[], Store]) -> None:
    """C4, H1: by REST and on the page, whose buttons are those that lead somewhere."""
    store = new_store()
    member = store.member()
    run_sync(turn_into(stack, store, "support"))
    until(lambda: store.get("/me").json()["staff"]["role"] == "support", "the role is known")
    version = store.get(f"/customers/{member}").json()["version"]
    note = NoteOf.model_validate(send(store, "POST", f"/customers/{member}/notes", {"text": "likes oolong"}).json())
    assert send(store, "DELETE", f"/customers/{member}/notes/{note.note_id}").status_code == 200
    tagged = send(store, "PUT", f"/customers/{member}/tags", {"tags": ["vip"], "expected_version": version})
    assert Customer.model_validate(tagged.json()).tags == ["vip"]
    late = send(store, "PUT", f"/customers/{member}/tags", {"tags": [], "expected_version": version})
    assert problem(late)[:2] == (409, "stale_version")
    for refused in (
        edit(store, member, name="x"),
        send(store, "POST", f"/customers/{member}/points", {"points": 5, "expires_on": "2099-01-01"}),
        send(store, "POST", "/saved-filters", {"name": "x", "filter": {}}),
    ):
        assert problem(refused)[:2] == (403, "permission_denied")
    with httpx.Client(base_url=store.url, cookies={"onefold_session": store.session_token}, trust_env=False) as browser:
        page = browser.get(f"/console/members/{member}").text
        tags = browser.get(f"/console/members/{member}/tags")
        assert browser.get(f"/console/members/{member}/edit").status_code == 403
    assert f"/members/{member}/notes" in page
    assert f"/members/{member}/tags" in page
    assert not any(f"/members/{member}/{each}" in page for each in ("edit", "points", "addresses", "delete", "erase"))
    assert (tags.status_code, 'id="tags"' in tags.text, 'id="name"' in tags.text) == (200, True, False)


def test_a_consent_is_given_and_withdrawn_and_its_past_is_kept(store: Store) -> None:
    """C6: what is so already is no change."""
    path, sms = f"/customers/{store.member()}/consents", {"kind": "sms_marketing"}
    for given in (True, True, False):
        answer = send(store, "PUT", path, {"consents": [sms | {"given": given}]})
        assert UseConsents.model_validate(answer.json()).items[1].given is given
    found = UseConsentsPast.model_validate(store.get(path).json())
    assert [(use.kind, use.at is None) for use in found.items] == [("email_marketing", True), ("sms_marketing", False)]
    assert [(use.given, use.via) for use in found.changes] == [(False, "staff"), (True, "staff")]
    assert problem(send(store, "PUT", path, {"consents": []}))[2] == {("consents", "required")}
    assert problem(send(store, "PUT", path, {"consents": [{"kind": "fax", "given": True}]}))[0] == 422


def test_notes_are_added_listed_and_struck(store: Store) -> None:
    """C4."""
    member = store.member()
    note = NoteOf.model_validate(send(store, "POST", f"/customers/{member}/notes", {"text": "likes oolong"}).json())
    struck = NoteOf.model_validate(send(store, "DELETE", f"/customers/{member}/notes/{note.note_id}").json())
    assert struck.struck_at
    listed = NoteList.model_validate(store.get(f"/customers/{member}/notes").json())
    assert [each.text for each in listed.items] == ["likes oolong"]
    assert problem(send(store, "POST", f"/customers/{member}/notes", {"text": " "}))[2] == {("text", "required")}
    assert problem(send(store, "DELETE", f"/customers/{member}/notes/{key()}"))[:2] == (404, "note_not_found")


def test_another_phone_ends_the_old_login_and_waits_for_proof(store: Store) -> None:
    """C5: by staff alone; without consent it is refused."""
    member = store.member(contact=store.person() | {"email": ""})
    path, phone = f"/customers/{member}/phone", store.person()["phone"]

    def logins() -> list[tuple[str, Any]]:
        items = store.get(f"/customers/{member}/login-methods").json()["items"]
        return [(item["value"], item["confirmed_at"]) for item in items]

    until(logins, "the login appears")
    assert problem(send(store, "POST", path, {"phone": phone, "consent": {"given": "by_owl"}}))[0] == 422
    changed = send(store, "POST", path, {"phone": phone, "consent": {"given": "by_phone", "note": "called back"}})
    assert changed.json()["phone"] == phone, changed.text
    until(lambda: logins() == [(phone, None)], "logins follow")


def test_a_deleted_member_is_gone_and_the_phone_is_free(store: Store) -> None:
    """C9; both languages say what was typed wrong."""
    person = store.person()
    member = store.member(contact=person)
    path = f"/customers/{member}"
    for language, part in (("en", "Type its phone again"), ("zh-HK", "再次輸入")):
        refused = send(store, "DELETE", path, {"confirmation": "0"}, language)
        assert problem(refused)[2] == {("confirmation", "confirmation_differs")}
        assert part in refused.json()["errors"][0]["detail"]
    removal = Removal.model_validate(send(store, "DELETE", path, {"confirmation": person["phone"]}).json())
    assert removal.finished_at
    assert problem(send(store, "DELETE", path, {"confirmation": person["phone"]}))[:2] == (409, "already_deleted")
    assert problem(edit(store, member, name="Ghost"))[:2] == (409, "customer_gone")
    gone = store.get(path).json()
    assert (gone["status"], gone["name"], gone["phone"]) == ("deleted", "", "")
    assert store.order(contact=person)["customer"]["created_member"]
    assert "deleted" in [happened["kind"] for happened in whole_timeline(store, member)]


def test_the_owner_says_whom_staff_may_delete_and_a_key_cannot(new_store: Callable[[], Store]) -> None:
    """C10, H4."""
    own = new_store()
    assert own.get("/deletion-policy").json() == {"policy": "unless_online"}
    api_key = own.post("/api-keys", {"name": "till", "scopes": ["members:read", "members:write"]}).json()["secret"]
    with own.client(api_key) as program:
        wish = {"json": {"policy": "never"}, "headers": {"Idempotency-Key": key()}}
        assert problem(program.put("/deletion-policy", **wish))[0] == 403
        assert own.http.put("/deletion-policy", **wish).json() == {"policy": "never"}
        assert program.get("/deletion-policy").json() == {"policy": "never"}


def test_erasing_reaches_orders_and_messages_and_waits_for_open_orders(
    new_store: Callable[[], Store],
) -> None:
    """C12."""
    store = new_store()
    person = store.person()
    member = store.member(contact=person)
    unpaid = store.order(contact=person, paid=False, add_as_member=True)
    until(lambda: len(store.get(f"/customers/{member}/orders").json()["items"]) == 2, "the order is linked")
    until(lambda: store.get(f"/customers/{member}/messages").json()["items"], "messages are there")
    path, typed = f"/customers/{member}/erasure", {"confirmation": person["phone"]}
    assert problem(send(store, "POST", path, typed))[:2] == (409, "open_orders")
    paid = send(store, "POST", f"/orders/{unpaid['order_id']}/payment", {"method": "cash"})
    assert paid.status_code == 200, paid.text
    erased = send(store, "POST", path, typed)
    assert erased.status_code == 200, erased.text

    def forgotten() -> bool:
        orders = store.get(f"/customers/{member}/orders").json()["items"]
        messages = store.get(f"/customers/{member}/messages").json()["items"]
        names = {order["contact"]["name"] + order["contact"]["phone"] for order in orders}
        return names == {""} and {message["recipient"] for message in messages} == {""}

    until(forgotten, "orders and messages forget")
    assert store.order(contact=person)["customer"]["status"] == "guest"


def test_the_timeline_is_one_order_over_all_services_page_by_page(store: Store) -> None:
    """F13: in pages of three exactly what it is at once, newest first, with what a merged account had lived through."""
    primary, twin = store.member(), store.member()
    store.post(f"/customers/{twin}/points", {"points": 7, "expires_on": "2099-03-31", "note": "sorry"})
    send(store, "POST", f"/customers/{twin}/notes", {"text": "same person?"})
    store.merge(primary, twin)
    edit(store, primary, tags=["merged"])

    def arrived() -> bool:
        """Two messages of each of the two orders, what the orders earn, and what was given besides; nothing more will come."""
        kinds = Counter(item["kind"] for item in whole_timeline(store, twin))
        return (kinds["message_order_placed"], kinds["message_confirm_login"], kinds["points"]) == (2, 2, 3)

    until(arrived, "the timeline has all that events bring")
    whole = whole_timeline(store, twin)
    assert whole_timeline(store, primary, 3) == whole
    times = [datetime.fromisoformat(item["at"]) for item in whole]
    assert times == sorted(times, reverse=True)
    kinds = {item["kind"] for item in whole}
    assert {"joined", "points", "note", "merged", "profile_changed", "order_placed"} <= kinds
    assert any(kind.startswith("message_") for kind in kinds)
    [merged] = [item for item in whole if item["kind"] == "merged"]
    assert merged["points"] >= 7
    assert {item["customer_id"] for item in whole if item["kind"] == "joined"} == {primary, twin}
    assert problem(store.get(f"/customers/{primary}/timeline", page_token="x"))[:2] == (422, "invalid_input")


def test_a_part_of_the_timeline_that_is_away_is_named_and_the_rest_is_there(stack: Stack, store: Store) -> None:
    """F13, E6."""
    member = store.member()
    away = [stack.process(f"{context}-serve") for context in ("orders", "notification")]
    for process in away:
        process.kill()
    try:
        page = store.get(f"/customers/{member}/timeline").json()
    finally:
        for process in away:
            process.start(wait=False)
        for process in away:
            process.wait_ready()
        stack.write_state()
    assert page["missing"] == ["orders", "messages"]
    assert "joined" in {item["kind"] for item in page["items"]}
    until(lambda: store.get(f"/customers/{member}/timeline").json()["missing"] == [], "they are back")
