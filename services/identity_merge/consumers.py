"""What identity_merge learns from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.common.v1 import audit_pb2
from onefold.membership.v1 import events_pb2 as membership
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.common.inbox import Delivered, Subscription
from services.common.wire import moment
from services.identity_merge.commands import audit, duplicates, logins
from services.identity_merge.domain.audit import Doing


class Membership:
    """Events of the membership service."""

    def __init__(self, identifiers: IdentifierHasher) -> None:
        self._identifiers = identifiers

    async def on_member_enrolled(
        self, tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MemberEnrolled]]
    ) -> None:
        """Somebody became a member: their identifiers wait for proof."""
        members = []
        for event in events:
            told = event.message
            owned = [(kind, value) for kind, value in ((PHONE, told.phone), (EMAIL, told.email)) if value]
            members.append(
                logins.Enrolled(
                    UUID(told.customer_id),
                    told.name,
                    told.language,
                    owned,
                    event.version,
                    confirm=not told.without_confirmation,
                )
            )
        await logins.add_login_methods(tx, store_id, self._identifiers, members)
        await duplicates.note_change(tx, store_id)

    async def on_member_changed(
        self, tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MemberChanged]]
    ) -> None:
        """A member owns other identifiers than before, perhaps."""
        members = [
            logins.Enrolled(
                UUID(event.message.customer_id),
                event.message.name,
                event.message.language,
                [(identifier.kind, identifier.value) for identifier in event.message.identifiers],
                event.version,
            )
            for event in events
        ]
        await logins.follow_changes(tx, store_id, self._identifiers, members)
        await duplicates.note_change(tx, store_id)

    async def on_members_absorbed(
        self, tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MembersAbsorbed]]
    ) -> None:
        """A merge's pivot is done. Its run retires the logins; this is the net below it."""
        gone = [UUID(customer_id) for event in events for customer_id in event.message.merged_ids]
        await logins.retire_login_methods(tx, store_id, gone)
        await duplicates.note_change(tx, store_id)


async def on_audit_noted(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[audit_pb2.AuditNoted]]
) -> None:
    """Somebody did something, in whichever service, this one included (H1)."""
    await audit.write_down(tx, store_id, [_doing(event) for event in events])


def _doing(event: Delivered[audit_pb2.AuditNoted]) -> Doing:
    told = event.message
    return Doing(
        event.event_id,
        event.publisher,
        moment(told.at),
        told.actor,
        told.action,
        told.subject_kind,
        UUID(told.subject_id),
        tuple((change.field, change.before, change.after) for change in told.changes),
        told.request_id,
    )


def subscriptions(identifiers: IdentifierHasher) -> Mapping[str, Sequence[Subscription]]:
    """What is read of which context."""
    handlers = Membership(identifiers)
    noted = Subscription(audit_pb2.AuditNoted, on_audit_noted)
    return {
        "membership": [
            noted,
            Subscription(membership.MemberEnrolled, handlers.on_member_enrolled),
            Subscription(membership.MemberChanged, handlers.on_member_changed),
            Subscription(membership.MembersAbsorbed, handlers.on_members_absorbed),
        ],
        "orders": [noted],
        "notification": [noted],
        # Its own go the same way: a log-in does not wait for the one who writes the store's chain.
        "identity_merge": [noted],
    }
