"""Guests who can be invited and those who were, with what only notification knows: what became of their mails, and who wants none (A5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway import context
from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import invitations_pb2 as pb
from onefold.notification.v1 import service_pb2 as notification
from onefold.notification.v1 import subscriptions_pb2 as subscriptions
from services.common.errors import Unavailable

ACCEPTED, QUEUED = "accepted", "queued"
UNSUBSCRIBED = "unsubscribed"
_STATES: dict[int, str] = {
    notification.MESSAGE_STATE_QUEUED: QUEUED,
    notification.MESSAGE_STATE_SENDING: QUEUED,
    notification.MESSAGE_STATE_SENT: "sent",
    notification.MESSAGE_STATE_FAILED: "failed",
    notification.MESSAGE_STATE_UNKNOWN: "unknown",
    notification.MESSAGE_STATE_CANCELLED: "cancelled",
}
_Messages = Mapping[str, notification.Message]


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation and its state: queued, sent, failed, unknown, cancelled, accepted; "" while nobody can say.

    `message` is its mail, as far as that can be told.
    """

    invitation: pb.Invitation
    state: str
    message: notification.Message | None = None


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who has ordered; `refusal` is a reason why nobody can invite them now, or ""."""

    invitee: pb.Invitee
    refusal: str
    last: Invited | None


def guests(query: str, page: PageRequest) -> tuple[list[Guest], str]:
    """A page of guests, newest first, and the token of the next. Raises InvalidInput, Unavailable."""
    found = services().invitations.list_invitees(pb.ListInviteesRequest(query=query, page=page))
    silent = _unsubscribed([each.address_digest for each in found.invitees if each.address_digest])
    messages = _messages([each.last.invitation_id for each in found.invitees if each.HasField("last")])
    return [
        Guest(
            each,
            UNSUBSCRIBED if each.address_digest in silent else each.refusal,
            _invited(each.last, messages) if each.HasField("last") else None,
        )
        for each in found.invitees
    ], found.next_page_token


def with_states(invitations: Sequence[pb.Invitation]) -> list[Invited]:
    """Invitations with their states."""
    messages = _messages([each.invitation_id for each in invitations])
    return [_invited(each, messages) for each in invitations]


def _invited(invitation: pb.Invitation, messages: _Messages | None) -> Invited:
    message = messages.get(invitation.invitation_id) if messages is not None else None
    if invitation.HasField("accepted_at"):
        return Invited(invitation, ACCEPTED, message)
    if messages is None:
        return Invited(invitation, "")
    # Until notification has heard of it, the wish is on its way there.
    return Invited(invitation, _STATES.get(message.state, "") if message else QUEUED, message)


def _messages(invitation_ids: Sequence[str]) -> _Messages | None:
    """The mails by invitation; None while nobody can say."""
    if not invitation_ids:
        return {}
    try:
        found = services().notifications.list_messages_of_events(
            notification.ListMessagesOfEventsRequest(event_ids=invitation_ids)
        )
    except Unavailable:
        return None
    return {each.event_id: each.message for each in found.messages}


def _unsubscribed(digests: Sequence[bytes]) -> set[bytes]:
    """Those who want no advertising. While nobody can say, none: their mails are held back all the same when they are written."""
    if not digests:
        return set()
    wish = subscriptions.ListUnsubscribedRequest(address_digests=digests)
    try:
        return set(services().subscriptions.list_unsubscribed(wish, claims=context.own_claims()).address_digests)
    except Unavailable:
        return set()
