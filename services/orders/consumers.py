"""What the orders service learns from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.membership.v1 import events_pb2 as membership
from services.common.inbox import Delivered, Subscription
from services.common.wire import moment
from services.orders import commands


async def on_buyer_linked(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.BuyerLinked]]
) -> None:
    """The buyer is another customer than the order says."""
    links = [(UUID(event.message.order_id), UUID(event.message.customer_id)) for event in events]
    await commands.link_buyers(tx, store_id, links)


async def on_member_erased(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MemberErased]]
) -> None:
    """Somebody is to be forgotten: the orders of the account and of those that were merged into it."""
    people = [
        (UUID(customer_id), moment(event.message.erased_at))
        for event in events
        for customer_id in (event.message.customer_id, *event.message.merged_ids)
    ]
    await commands.queue_erasures(tx, store_id, list(dict(people).items()))
    await commands.end_carts(tx, store_id, [customer_id for customer_id, _ in people])


async def on_member_deleted(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[membership.MemberDeleted]]
) -> None:
    """An account is gone for good, and its cart with it."""
    await commands.end_carts(tx, store_id, [UUID(event.message.customer_id) for event in events])


async def on_audit_chained(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.AuditChained]]
) -> None:
    """The audit log has grown: its end is kept here, beside none of what it tells."""
    await commands.witness_audit(tx, store_id, [(event.message.seq, event.message.hash) for event in events])


SUBSCRIPTIONS: Mapping[str, Sequence[Subscription]] = {
    "membership": [
        Subscription(membership.BuyerLinked, on_buyer_linked),
        Subscription(membership.MemberErased, on_member_erased),
        Subscription(membership.MemberDeleted, on_member_deleted),
    ],
    "identity_merge": [Subscription(identity_merge.AuditChained, on_audit_chained)],
}
