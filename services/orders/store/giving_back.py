"""Money that providers are to give back: a list of work, and the record of how it ended."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.orders.domain import GivingBack, RefundState
from services.orders.store.payment_tables import provider_refunds

# Whoever takes one has it alone for a while that grows with the tries; a worker that dies in between leaves it to the next.
_TAKE = text(
    """UPDATE provider_refunds r SET tries = r.tries + 1,
  next_try_at = CAST(:now AS timestamptz) + least(interval '30 seconds' * power(2, r.tries), interval '1 hour')
 FROM (SELECT store_id, refund_id FROM provider_refunds WHERE state = 1 AND next_try_at <= :now
   ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED) d
 WHERE r.store_id = d.store_id AND r.refund_id = d.refund_id
 RETURNING r.store_id, r.refund_id, r.provider_id, r.payment, r.amount, r.tries, r.round, r.asked_at"""
)
# Done only while it waits: a provider's word that it has failed after all counts, whenever it comes.
_FINISH = text(
    """UPDATE provider_refunds SET state = :state, reference = CASE :reference WHEN '' THEN reference ELSE :reference END,
  failure = :failure, next_try_at = NULL
 WHERE store_id = :store_id AND refund_id = :refund_id AND (:reference = '' OR old_reference <> :reference)
  AND (state = 1 OR (state = 2 AND CAST(:state AS smallint) = 3))
 RETURNING order_id"""
)
_AWAIT = text(
    """UPDATE provider_refunds SET reference = :reference, next_try_at = NULL
 WHERE store_id = :store_id AND refund_id = :refund_id AND state = 1"""
)
_AGAIN = text(
    """UPDATE provider_refunds SET state = 1, round = round + 1, tries = 1, asked_at = :now, next_try_at = :now, failure = '',
  old_reference = reference, reference = ''
 WHERE store_id = :store_id AND refund_id = :refund_id AND order_id = :order_id AND state = 3"""
)
_KNOWN = text("SELECT 1 FROM provider_refunds WHERE store_id = :store_id AND refund_id = :refund_id")


async def ask_back(tx: AsyncConnection, wish: GivingBack, order_id: UUID | None, now: datetime) -> None:
    """Puts money on the list of what a provider is to give back."""
    await tx.execute(
        insert(provider_refunds).values(
            store_id=wish.store_id,
            refund_id=wish.refund_id,
            order_id=order_id,
            provider_id=wish.provider_id,
            payment=wish.payment,
            amount=wish.amount,
            state=RefundState.PENDING,
            reference="",
            old_reference="",
            failure="",
            tries=wish.tries,
            round=wish.round,
            asked_at=now,
            next_try_at=now,
        )
    )


async def take_due(tx: AsyncConnection, now: datetime) -> tuple[GivingBack, datetime] | None:
    """The next to be asked for, of all stores, and when it was wished for."""
    row = (await tx.execute(_TAKE, {"now": now})).first()
    if row is None:
        return None
    wish = GivingBack(row.store_id, row.refund_id, row.provider_id, row.payment, row.amount, row.tries, row.round)
    return wish, row.asked_at


async def finish_refund(
    tx: AsyncConnection, store_id: UUID, refund_id: UUID, state: RefundState, reference: str = "", failure: str = ""
) -> tuple[bool, UUID | None]:
    """Notes how far the provider is: (whether that is news, whose order it is)."""
    row = (
        await tx.execute(
            _FINISH,
            {
                "store_id": store_id,
                "refund_id": refund_id,
                "state": state,
                "reference": reference,
                "failure": failure,
            },
        )
    ).first()
    return row is not None, row.order_id if row else None


async def await_refund(tx: AsyncConnection, store_id: UUID, refund_id: UUID, reference: str) -> None:
    """The provider has it and will tell how it ends, so it is not asked any more."""
    await tx.execute(_AWAIT, {"store_id": store_id, "refund_id": refund_id, "reference": reference})


async def is_ours(tx: AsyncConnection, store_id: UUID, refund_id: UUID) -> bool:
    """Whether the refund was asked for from here."""
    return (await tx.execute(_KNOWN, {"store_id": store_id, "refund_id": refund_id})).first() is not None


async def ask_again(tx: AsyncConnection, store_id: UUID, order_id: UUID, refund_id: UUID, now: datetime) -> bool:
    """A refund that failed is begun anew; False when it has not failed."""
    key = {"store_id": store_id, "order_id": order_id, "refund_id": refund_id, "now": now}
    return bool((await tx.execute(_AGAIN, key)).rowcount)
