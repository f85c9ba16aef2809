"""Invitations of guests, as programs send and read them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.customer_models import CustomerSummary, summary_json
from gateway.api.fields import AnswerModel, Id, Json, PageQuery, RequestModel, Time, when, when_set, word
from gateway.invitations import Guest, Invited
from gateway.reasons import sentence_of
from onefold.membership.v1 import invitations_pb2 as pb

_RUN_WORDS: dict[int, str] = {
    number: name.removeprefix("INVITATION_RUN_STATE_").lower()
    for name, number in pb.InvitationRunState.items()
    if number
}
_State = Literal["queued", "sent", "failed", "unknown", "cancelled", "accepted"]
_Greeting = Annotated[
    str,
    Field(
        description="One line from you, as plain text; it stands in the mail between its first and second paragraph.",
        json_schema_extra={"maxLength": 300},
    ),
]


class InviteesQuery(PageQuery):
    """Which guests."""

    q: str = Field(default="", description="Part of a name, phone or e-mail.")


class InvitationRunPath(BaseModel):
    """Which run."""

    run_id: Id


class InvitationsIn(RequestModel):
    """Whom to invite."""

    customer_ids: list[UUID] = Field(json_schema_extra={"minItems": 1, "maxItems": 100})
    greeting: _Greeting = ""


class InvitationRunIn(RequestModel):
    """Which list to invite whole."""

    q: str = Field(default="", description="Part of a name, phone or e-mail; empty: every guest who can be invited.")
    greeting: _Greeting = ""


class Invitation(AnswerModel):
    """The last invitation to an address."""

    invitation_id: Id
    customer_id: Id
    name: str
    email: str = Field(description="Empty where the person was deleted or erased.")
    state: _State | None = Field(
        description="`unknown`: the mail was perhaps sent; `cancelled`: it was not needed or not wanted any more; `accepted`: a member has"
        " proved the address. Null while the message log cannot be reached."
    )
    message_id: Id | None = Field(description="Of the mail in the log of messages, once it is there.")
    cause: str = Field(description="Why the mail was not sent, as in the log of messages; empty where it was.")
    invited_at: Time
    invited_by: str
    times: int = Field(description="How often the address was invited by now.")
    accepted_at: Time | None
    accepted_by: Id | None = Field(description="The member.")


class InvitationList(AnswerModel):
    """Invitations, newest first."""

    items: list[Invitation]
    next_page_token: str | None
    invited_count: int = Field(description="Addresses of the store that were invited, in all.")
    accepted_count: int = Field(description="Of these so many are members' now.")


class Invitee(AnswerModel):
    """A guest who has an e-mail and an order."""

    customer: CustomerSummary
    last_order_at: Time | None
    last_invitation: Invitation | None
    can_be_invited: bool
    reason: str | None = Field(description="Why not; a stable word, see the list of problems.")
    detail: str | None = Field(description="The same in the language of Accept-Language.")
    again_at: Time | None = Field(description="With `invited_lately`: from when on it is possible again.")


class InviteeList(AnswerModel):
    """Guests, newest first."""

    items: list[Invitee]
    next_page_token: str | None


class Outcome(AnswerModel):
    """What became of one wish."""

    customer_id: Id
    invited: bool
    invitation_id: Id | None
    reason: str | None = Field(description="Why not; a stable word, see the list of problems.")
    detail: str | None = Field(description="The same in the language of Accept-Language.")
    again_at: Time | None = Field(description="With `invited_lately`: from when on it is possible again.")


class OutcomeList(AnswerModel):
    """In the order of the request."""

    items: list[Outcome]


class InvitationRun(AnswerModel):
    """A run. It goes on by itself, and ends as `done`."""

    run_id: Id
    state: Literal["queued", "running", "done", "other"]
    done: int = Field(description="Guests tried by now.")
    total: int = Field(description="Of how many.")
    invited: int
    refused: dict[str, int] = Field(description="Reason → how many of the others.")
    requested_by: str
    requested_at: Time
    finished_at: Time | None


def invitee_json(guest: Guest, currency: str) -> Json:
    """As in Invitee."""
    return {
        "customer": summary_json(guest.invitee.customer, currency),
        "last_order_at": when_set(guest.invitee, "last_order_at"),
        "last_invitation": invitation_json(guest.last) if guest.last else None,
        "can_be_invited": not guest.refusal,
        **_why(guest.refusal),
        "again_at": when_set(guest.invitee, "again_at"),
    }


def invitation_json(invited: Invited) -> Json:
    """As in Invitation."""
    invitation = invited.invitation
    return {
        "invitation_id": invitation.invitation_id,
        "customer_id": invitation.customer_id,
        "name": invitation.name,
        "email": invitation.email,
        "state": invited.state or None,
        "message_id": invited.message.message_id if invited.message else None,
        "cause": invited.message.cause if invited.message else "",
        "invited_at": when(invitation.invited_at),
        "invited_by": invitation.invited_by,
        "times": invitation.times,
        "accepted_at": when_set(invitation, "accepted_at"),
        "accepted_by": invitation.accepted_by or None,
    }


def outcome_json(outcome: pb.InvitationOutcome) -> Json:
    """As in Outcome."""
    return {
        "customer_id": outcome.customer_id,
        "invited": not outcome.refusal,
        "invitation_id": outcome.invitation.invitation_id or None,
        **_why(outcome.refusal),
        "again_at": when_set(outcome, "again_at"),
    }


def run_json(run: pb.InvitationRun) -> Json:
    """As in InvitationRun."""
    return {
        "run_id": run.run_id,
        "state": word(run.state, _RUN_WORDS),
        "done": run.done,
        "total": run.total,
        "invited": run.invited,
        "refused": {each.refusal: each.count for each in run.refused},
        "requested_by": run.requested_by,
        "requested_at": when(run.requested_at),
        "finished_at": when_set(run, "finished_at"),
    }


def _why(reason: str) -> Json:
    return {"reason": reason or None, "detail": sentence_of(reason) if reason else None}
