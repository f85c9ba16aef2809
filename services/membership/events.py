"""What membership tells the others (proto/onefold/membership/v1/events.proto)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from uuid import UUID

from onefold.membership.v1 import events_pb2, levels_pb2
from onefold.membership.v1 import service_pb2 as pb
from services.common import audit
from services.common.identifiers import EMAIL, PHONE
from services.common.outbox import Event, event
from services.common.wire import timestamp
from services.membership.domain import (
    Buyer,
    Customer,
    Identifier,
    Invitation,
    Joining,
    Ledger,
    Moved,
    Outcome,
    Reason,
    Registration,
)
from services.membership.domain.imports import Candidate

# What somebody did, for the audit log (H1).
noted = partial(audit.noted, "membership")


def member_enrolled(buyer: Buyer, owned: Sequence[Identifier], joined_at: datetime) -> Event:
    """The buyer became a member who owns these identifiers."""
    reach = {identifier.kind: identifier.value for identifier in owned}
    message = events_pb2.MemberEnrolled(
        customer_id=str(buyer.customer_id),
        name=buyer.contact.name,
        phone=reach.get("phone", ""),
        email=reach.get("email", ""),
        language=buyer.language,
        order_id=str(buyer.order_id),
        joined_at=timestamp(joined_at),
    )
    return event(message, buyer.customer_id, 1)


def member_imported(customer_id: UUID, candidate: Candidate, joined_at: datetime, confirm: bool) -> Event:
    """A row of a file became a member; `confirm` asks for the confirmation e-mail, as for any other new member (A4)."""
    message = events_pb2.MemberEnrolled(
        customer_id=str(customer_id),
        name=candidate.contact.name,
        phone=candidate.contact.phone,
        email=candidate.contact.email,
        language=candidate.language,
        joined_at=timestamp(joined_at),
        source="import",
        without_confirmation=not confirm,
    )
    return event(message, customer_id, 1)


def member_registered(member: Registration, joined_at: datetime) -> Event:
    """Somebody made themselves a member; what they own is proved already, so no confirmation is asked for."""
    message = events_pb2.MemberEnrolled(
        customer_id=str(member.customer_id),
        name=member.name,
        phone=member.main(PHONE),
        email=member.main(EMAIL),
        language=member.language,
        joined_at=timestamp(joined_at),
        source=member.source,
        without_confirmation=True,
    )
    return event(message, member.customer_id, 1)


def member_changed(member: Customer, owned: Sequence[Identifier], fields: Sequence[str]) -> Event:
    """The member's profile has changed; `owned` is all that the member owns now."""
    message = events_pb2.MemberChanged(
        customer_id=str(member.customer_id),
        name=member.name,
        language=member.language,
        identifiers=[events_pb2.OwnedIdentifier(kind=i.kind, value=i.value) for i in owned],
        fields=fields,
    )
    return event(message, member.customer_id, member.version)


def member_deleted(customer_id: UUID, version: int) -> Event:
    """The customer is gone and its identifiers are free."""
    return event(events_pb2.MemberDeleted(customer_id=str(customer_id)), customer_id, version)


def member_erased(customer_id: UUID, merged_ids: Sequence[UUID], at: datetime, version: int) -> Event:
    """The person is to be forgotten everywhere."""
    message = events_pb2.MemberErased(
        customer_id=str(customer_id), merged_ids=[str(i) for i in merged_ids], erased_at=timestamp(at)
    )
    return event(message, customer_id, version)


def buyer_linked(order_id: UUID, customer_id: UUID) -> Event:
    """The order belongs to another customer than it says. It tells of the order: no version of the customer's goes with it."""
    return event(events_pb2.BuyerLinked(order_id=str(order_id), customer_id=str(customer_id)), customer_id, 0)


def points_earned(order_id: UUID, customer_id: UUID, points: int, balance: int, version: int) -> Event:
    """An order has earned points."""
    return _points_posted(customer_id, points, balance, version, Reason.EARNED, str(order_id))


def points_posted(ledger: Ledger, reason: Reason, version: int, order_id: UUID | None = None) -> Event:
    """Points were changed by hand, have expired, or were moved by an order."""
    moved = (e for e in ledger.entries if e.reason is reason and (order_id is None or e.order_id == order_id))
    change = sum(entry.points for entry in moved)
    return _points_posted(
        ledger.customer_id, change, ledger.balance, version, reason, str(order_id) if order_id else ""
    )


def level_changed(moved: Moved) -> Event:
    """A member has another level."""
    message = events_pb2.LevelChanged(
        customer_id=str(moved.customer_id),
        from_level_id=str(moved.from_id) if moved.from_id else "",
        from_level_name=moved.from_name,
        to_level_id=str(moved.to_id) if moved.to_id else "",
        to_level_name=moved.to_name,
        cause=levels_pb2.LevelCause.ValueType(moved.cause),
    )
    return event(message, moved.customer_id, moved.seq)


def guests_joined(joining: Joining) -> Event:
    """Guests are part of the member who has proved what they gave."""
    message = events_pb2.GuestsJoined(
        customer_id=str(joining.member.customer_id),
        guest_ids=[str(i) for i in joining.guest_ids],
        kind=joining.kind,
        orders_count=len(joining.order_ids),
    )
    return event(message, joining.member.customer_id, joining.member.version)


def guest_invited(invitation: Invitation, language: str, greeting: str) -> Event:
    """A guest is to be written to; the message log knows the mail by the invitation's id."""
    message = events_pb2.GuestInvited(
        invitation_id=str(invitation.invitation_id),
        customer_id=str(invitation.customer_id),
        name=invitation.name,
        email=invitation.email,
        language=language,
        greeting=greeting,
    )
    return replace(event(message, invitation.customer_id, 0), event_id=invitation.invitation_id)


def members_absorbed(merge_run_id: UUID, outcome: Outcome, earlier_ids: Sequence[UUID]) -> Event:
    """The pivot of a merge is done; `earlier_ids` had been merged into the merged accounts before."""
    survivor_id, *merged_ids = (ledger.customer_id for ledger in outcome.ledgers)
    message = events_pb2.MembersAbsorbed(
        merge_run_id=str(merge_run_id),
        survivor_id=str(survivor_id),
        merged_ids=[str(i) for i in merged_ids],
        points_balance=outcome.points_after,
        earlier_ids=[str(i) for i in earlier_ids],
    )
    return event(message, survivor_id, outcome.survivor.version)


def _points_posted(customer_id: UUID, points: int, balance: int, version: int, reason: Reason, order_id: str) -> Event:
    message = events_pb2.PointsPosted(
        customer_id=str(customer_id),
        points=points,
        balance=balance,
        reason=pb.PointsReason.ValueType(reason),
        order_id=order_id,
    )
    return event(message, customer_id, version)
