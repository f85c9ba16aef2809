"""Guests are listed, invited and counted through the API (A5)."""

from __future__ import annotations

from collections.abc import Callable

from deploy.local.stack import Stack
from gateway.api.invitation_models import InvitationList, InvitationRun, Invitee, InviteeList, OutcomeList
from services.common.ids import new_id
from tests.component.gateway.conftest import Store, problem
from tests.support.messages import link_for, messages
from tests.support.until import until


def test_guests_are_invited_by_ids_and_by_list_and_their_mails_are_followed(
    stack: Stack, new_store: Callable[[], Store]
) -> None:
    """A5, E7, G1: the same key is the same answer; whoever has unsubscribed by the mail's link is said to be so from then on."""
    store = new_store()
    people = [store.person(name) for name in ("林美玲", "Kai", "Noa")]
    for person in people:
        store.order(add_as_member=False, contact=person)
    until(lambda: len(_guests(store)) == 3, "the guests are listed")
    listed = _guests(store)
    noa, kai, mei = (each.customer for each in listed)
    assert [each.name for each in (noa, kai, mei)] == ["Noa", "Kai", "林美玲"]
    assert all(each.can_be_invited and each.last_order_at and not each.last_invitation for each in listed)
    stranger = str(new_id())
    body = {"customer_ids": [mei.customer_id, stranger], "greeting": "Tea?"}
    told = OutcomeList.model_validate(store.post("/invitations", body, "tea").json())
    assert store.post("/invitations", body, "tea").json() == told.model_dump(mode="json")
    assert [(each.invited, each.reason) for each in told.items] == [(True, None), (False, "customer_not_found")]
    [late] = store.post("/invitations", {"customer_ids": [mei.customer_id]}).json()["items"]
    assert (late["invited"], late["reason"], bool(late["again_at"])) == (False, "invited_lately", True)
    link_for(stack, mei.email, "/register?token=")
    until(lambda: _states(store) == {mei.email: "sent"}, "the mail is sent")
    link = link_for(stack, mei.email, "/unsubscribe/")
    assert store.http.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    [found] = _guests(store, mei.email)
    assert (found.can_be_invited, found.reason) == (False, "unsubscribed")
    run = InvitationRun.model_validate(store.post("/invitation-runs", {"q": "", "greeting": ""}).json())
    assert run.total == 2
    until(lambda: store.get(f"/invitation-runs/{run.run_id}").json()["state"] == "done", "the run ends")
    until(lambda: set(_states(store).values()) == {"sent"} and len(_states(store)) == 3, "all mails are sent")
    assert [len(messages(stack, person["email"])) for person in people] == [2, 2, 2]  # the order's mail, the invitation
    numbers = InvitationList.model_validate(store.get("/invitations").json())
    assert (numbers.invited_count, numbers.accepted_count) == (3, 0)
    assert problem(store.post("/invitation-runs", {}))[2] == {("query", "no_guests_chosen")}
    assert problem(store.post("/invitations", {"customer_ids": [mei.customer_id], "greeting": "x" * 301}))[2] == {
        ("greeting", "too_long")
    }


def _guests(store: Store, query: str = "") -> list[Invitee]:
    return InviteeList.model_validate(store.get("/invitees", q=query).json()).items


def _states(store: Store) -> dict[str, str | None]:
    listed = InvitationList.model_validate(store.get("/invitations").json())
    return {each.email: each.state for each in listed.items}
