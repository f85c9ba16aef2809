"""What providers told, kept once each, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.orders.domain import Notice, NoticeKind, NoticeState, Told
from services.orders.store.payment_tables import payment_notices
from services.orders.store.tables import payments

_KEEP = text(
    """INSERT INTO payment_notices (store_id, notice_id, provider_id, event_id, type, kind, order_id, session, amount, currency, reference,
  refund_id, refund_reference, failure, body, received_at, state, reason, settled_by, note)
 VALUES (:store_id, :notice_id, :provider_id, :event_id, :type, :kind, :order_id, :session, :amount, :currency, :reference,
  :refund_id, :refund_reference, :failure, :body, :received_at, :state, :reason, '', '')
 ON CONFLICT (store_id, provider_id, event_id) DO NOTHING RETURNING notice_id"""
)
# The oldest first; those that somebody works on are left to them.
_KEPT = text(
    """SELECT store_id, notice_id FROM payment_notices WHERE state = 1 AND received_at < :before
 ORDER BY received_at LIMIT 1 FOR UPDATE SKIP LOCKED"""
)
_LOOK = text(
    """SELECT n.*, o.number AS order_number, p.name AS provider_name FROM payment_notices n
 LEFT JOIN orders o ON o.store_id = n.store_id AND o.order_id = n.order_id
 LEFT JOIN payment_providers p ON p.store_id = n.store_id AND p.provider_id = n.provider_id
 WHERE n.store_id = :store_id AND n.state = 3 AND (CAST(:order_id AS uuid) IS NULL OR n.order_id = :order_id)
  AND (CAST(:at AS timestamptz) IS NULL OR (n.received_at, n.notice_id) < (CAST(:at AS timestamptz), CAST(:notice_id AS uuid)))
 ORDER BY n.received_at DESC, n.notice_id DESC LIMIT :most"""
)
_TOLD = [column.name for column in payment_notices.columns if column.name in Told.__slots__]
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended(CAST(:key AS text), 0))")
UNKNOWN_PAYMENT = "payment_unknown"


async def keep_notice(tx: AsyncConnection, store_id: UUID, notice: Notice, body: bytes) -> UUID:
    """Keeps a notice; the id of the one that is kept, which is an earlier one if the event came before."""
    values = {name: getattr(notice.told, name) for name in _TOLD} | {"store_id": store_id, "body": body}
    own = ("notice_id", "provider_id", "received_at", "state", "reason")
    kept = await tx.scalar(_KEEP, values | {name: getattr(notice, name) for name in own})
    if kept is None:
        theirs = (
            payment_notices.c.provider_id == notice.provider_id,
            payment_notices.c.event_id == notice.told.event_id,
        )
        query = select(payment_notices.c.notice_id).where(payment_notices.c.store_id == store_id, *theirs)
        kept = await tx.scalar(query)
    return UUID(str(kept))


async def hold_payment(tx: AsyncConnection, store_id: UUID, provider_id: UUID, reference: str) -> None:
    """Until this transaction ends, no other notice of this payment is applied: a refund must not miss the payment beside it."""
    await tx.execute(_HOLD, {"key": f"{store_id}{provider_id}{reference}"})


async def hold_notice(tx: AsyncConnection, store_id: UUID, notice_id: UUID) -> Notice | None:
    """A notice whose row is held until the transaction ends."""
    mine = (payment_notices.c.store_id == store_id, payment_notices.c.notice_id == notice_id)
    row = (await tx.execute(select(payment_notices).where(*mine).with_for_update())).first()
    return _notice(row) if row else None


async def next_kept(tx: AsyncConnection, before: datetime) -> tuple[UUID, UUID] | None:
    """(store, notice) of the oldest that was kept before a time and is not yet applied, of all stores."""
    row = (await tx.execute(_KEPT, {"before": before})).first()
    return (row.store_id, row.notice_id) if row else None


async def save_notice(tx: AsyncConnection, store_id: UUID, notice: Notice) -> None:
    """Writes what became of a notice whose row is held."""
    mine = (payment_notices.c.store_id == store_id, payment_notices.c.notice_id == notice.notice_id)
    names = ("state", "reason", "settled_at", "settled_by", "note")
    values = {name: getattr(notice, name) for name in names} | {"order_id": notice.told.order_id}
    await tx.execute(update(payment_notices).where(*mine).values(values))


async def notices_to_look_at(
    tx: AsyncConnection, store_id: UUID, page: PageRequest, order_id: UUID | None
) -> Sequence[Notice]:
    """Newest first, one more than the page holds. `page.after` is (received at, notice id)."""
    at, notice_id = page.after or (None, None)
    key = {"store_id": store_id, "order_id": order_id, "at": at, "notice_id": notice_id, "most": page.size + 1}
    return [_notice(row) for row in await tx.execute(_LOOK, key)]


async def told_before(tx: AsyncConnection, store_id: UUID, notice: Notice) -> bool:
    """Whether a person sees this payment, or has seen it, by another notice."""
    notices = payment_notices.c
    query = select(notices.notice_id).where(
        notices.store_id == store_id,
        notices.provider_id == notice.provider_id,
        notices.reference == notice.told.reference,
        notices.notice_id != notice.notice_id,
        notices.kind == NoticeKind.PAID,
        notices.state.in_((NoticeState.NEEDS_LOOK, NoticeState.SETTLED)),
    )
    return (await tx.execute(query.limit(1))).first() is not None


async def wake_refunds(tx: AsyncConnection, store_id: UUID, provider_id: UUID, reference: str) -> None:
    """Refunds that were told before their payment was are to be applied now."""
    notices = payment_notices.c
    mine = (notices.store_id == store_id, notices.provider_id == provider_id, notices.reference == reference)
    asleep = (notices.state == NoticeState.NOTHING_NEW, notices.reason == UNKNOWN_PAYMENT)
    await tx.execute(update(payment_notices).where(*mine, *asleep).values(state=NoticeState.KEPT, reason=""))


async def settle_refund_notices(
    tx: AsyncConnection, store_id: UUID, refund_id: UUID, actor: str, now: datetime
) -> None:
    """A refund that failed is asked for again, so nobody need look at its failure any more."""
    notices = payment_notices.c
    mine = (notices.store_id == store_id, notices.refund_id == refund_id, notices.state == NoticeState.NEEDS_LOOK)
    values = {"state": NoticeState.SETTLED, "settled_at": now, "settled_by": actor}
    await tx.execute(update(payment_notices).where(*mine).values(values))


async def order_of_payment(tx: AsyncConnection, store_id: UUID, provider_id: UUID, reference: str) -> UUID | None:
    """Which order a provider's payment has paid."""
    mine = (payments.c.store_id == store_id, payments.c.provider_id == provider_id, payments.c.reference == reference)
    found: UUID | None = await tx.scalar(select(payments.c.order_id).where(*mine).limit(1))
    return found


async def forget_bodies(tx: AsyncConnection, store_id: UUID, order_ids: Sequence[UUID]) -> None:
    """What providers told of these orders is kept without their own words, which may name the buyer (C12)."""
    mine = (payment_notices.c.store_id == store_id, payment_notices.c.order_id.in_(order_ids))
    await tx.execute(update(payment_notices).where(*mine).values(body=b""))


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        notice_id=row.notice_id,
        provider_id=row.provider_id,
        told=Told(**{name: getattr(row, name) for name in _TOLD} | {"kind": NoticeKind(row.kind)}),
        received_at=row.received_at,
        state=NoticeState(row.state),
        reason=row.reason,
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        note=row.note,
        order_number=getattr(row, "order_number", None) or 0,
        provider_name=getattr(row, "provider_name", None) or "",
    )
