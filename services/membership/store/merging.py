"""The pivot of a merge, written down."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.errors import NotFound, StateConflict
from services.membership.domain import (
    MOST_MOMENTS,
    Account,
    Adjustment,
    Customer,
    Lot,
    Merge,
    MergeRecord,
    Outcome,
    SearchText,
    Spend,
    StoreSettings,
    read_facts,
    read_fields,
)
from services.membership.store.customers import load_participants
from services.membership.store.gifts import gifts_of
from services.membership.store.points import lots_by_expiry
from services.membership.store.pooling import pool_points
from services.membership.store.profiles import address_digest
from services.membership.store.removals import being_removed
from services.membership.store.standings import load_spends
from services.membership.store.uses import load_uses, set_uses


@dataclass(frozen=True, slots=True)
class Run:
    """What was asked of a merge run, and its answer."""

    primary_id: UUID
    merged_ids: tuple[UUID, ...]
    fingerprint: bytes
    points_balance: int = 0
    # Accounts that had been merged into the merged ones before.
    earlier_ids: tuple[UUID, ...] = ()


_CLAIM = text(
    """INSERT INTO absorptions (store_id, merge_run_id, primary_id, merged_ids, fingerprint, points_balance)
 VALUES (:store_id, :run_id, :primary_id, CAST(:merged_ids AS uuid[]), :fingerprint, 0)
 ON CONFLICT (store_id, merge_run_id) DO NOTHING RETURNING merge_run_id"""
)
_EARLIER = text(
    """SELECT primary_id, merged_ids, fingerprint, points_balance, earlier_ids FROM absorptions
 WHERE store_id = :store_id AND merge_run_id = :run_id"""
)
_FINISH = text(
    """UPDATE absorptions SET points_balance = :balance, earlier_ids = CAST(:earlier_ids AS uuid[]), actor = :actor, figures = :figures,
 personal = :personal WHERE store_id = :store_id AND merge_run_id = :run_id"""
).bindparams(bindparam("figures", type_=JSONB), bindparam("personal", type_=JSONB))
# A merge of before records were kept has none.
_RECORD = text(
    """SELECT primary_id, merged_ids, earlier_ids, at, actor, figures, personal FROM absorptions
 WHERE store_id = :store_id AND merge_run_id = :run_id AND figures <> '{}'"""
).columns(figures=JSONB, personal=JSONB)
_WELCOMED = text(
    """SELECT c.customer_id FROM customers c WHERE c.store_id = :store_id AND c.customer_id = ANY(CAST(:ids AS uuid[])) AND EXISTS (
 SELECT 1 FROM (SELECT reason, at FROM points_entries e WHERE e.store_id = :store_id AND e.customer_id = c.customer_id
  ORDER BY entry_id LIMIT 20) AS first WHERE reason = 2 AND at < c.joined_at + interval '1 day')"""
)
_NOTES = text(
    """SELECT customer_id, count(*) AS notes FROM customer_notes
 WHERE store_id = :store_id AND customer_id = ANY(CAST(:ids AS uuid[])) GROUP BY customer_id"""
)
# Accounts merged into these earlier lead to the survivor at once (F10), and so do guests.
_LEAD_HERE = text(
    """UPDATE customers SET survivor_id = :primary_id WHERE store_id = :store_id AND survivor_id = ANY(CAST(:merged_ids AS uuid[]))
 RETURNING CASE WHEN merge_run_id IS NOT NULL THEN customer_id END AS account"""
)
_MERGED = "customer_id = ANY(CAST(:merged_ids AS uuid[]))"
# In this order: customers first (their rows are held already), then what belongs to them.
_MOVE = [
    text(statement)
    for statement in (
        f"""UPDATE customers SET status = 3, survivor_id = :primary_id, merge_run_id = :run_id, merged_at = :now, phone = '', email = '',
 net_spend = 0, orders_count = 0, points_balance = 0, cart_since = NULL, level_id = NULL, level_since = NULL, level_until = NULL,
 level_pinned_until = NULL, level_due_at = NULL, version = version + 1 WHERE store_id = :store_id AND {_MERGED}""",
        f"""UPDATE identifiers SET state = 'retired', value = NULL, retired_at = :now
 WHERE store_id = :store_id AND state = 'live' AND {_MERGED}""",
        f"""INSERT INTO addresses (store_id, customer_id, digest, content, created_at)
 SELECT store_id, CAST(:primary_id AS uuid), digest, content, min(created_at) FROM addresses
 WHERE store_id = :store_id AND {_MERGED} GROUP BY store_id, digest, content ON CONFLICT DO NOTHING""",
        f"DELETE FROM addresses WHERE store_id = :store_id AND {_MERGED}",
        *(
            f"""UPDATE {table} SET origin_customer_id = COALESCE(origin_customer_id, customer_id), customer_id = :primary_id
 WHERE store_id = :store_id AND {_MERGED}"""
            for table in ("customer_notes", "consents", "profile_changes", "use_changes", "guest_joinings")
        ),
        f"DELETE FROM uses WHERE store_id = :store_id AND {_MERGED}",
        # Who has had a gift by any account has had it.
        f"""INSERT INTO birthday_gifts (store_id, customer_id, year, entry_id)
 SELECT DISTINCT ON (year) store_id, CAST(:primary_id AS uuid), year, entry_id FROM birthday_gifts
 WHERE store_id = :store_id AND {_MERGED} ORDER BY year, entry_id ON CONFLICT DO NOTHING""",
        f"UPDATE redemptions SET customer_id = :primary_id WHERE store_id = :store_id AND {_MERGED}",
        f"UPDATE cart_facts SET customer_id = :primary_id WHERE store_id = :store_id AND {_MERGED}",
        f"DELETE FROM customer_search WHERE store_id = :store_id AND {_MERGED}",
    )
]
# The stored balance of a customer is that of its lots; those past their time have just been emptied.
_SURVIVE = text(
    """UPDATE customers SET name = :name, birthday = :birthday, language = :language, net_spend = :net_spend,
 orders_count = :orders_count, points_balance = :balance, tags = CAST(:tags AS text[]), online_since = :online_since,
 cart_since = (SELECT max(left_at) FROM cart_facts f WHERE f.store_id = :store_id AND f.customer_id = :primary_id),
 version = :version WHERE store_id = :store_id AND customer_id = :primary_id"""
)
# The primary's own default stays the first, or the first that the preview showed.
_PREFER = text(
    """UPDATE addresses SET preferred = (digest = :digest)
 WHERE store_id = :store_id AND customer_id = :primary_id AND preferred <> (digest = :digest)"""
)
_FOUND_BY = text(
    """UPDATE customer_search SET haystack = :haystack, grams = CAST(:grams AS text[])
 WHERE store_id = :store_id AND customer_id = :primary_id"""
)


async def load_accounts(
    tx: AsyncConnection, store_id: UUID, merge: Merge, settings: StoreSettings, now: datetime, *, lock: bool
) -> list[Account]:
    """The participants, the primary first, with their lots summed up by expiry, or by the month if they are many; `lock` holds them.

    Raises NotFound (customer_not_found), StateConflict (being_removed).
    """
    ids = [merge.primary_id, *merge.merged_ids]
    customers = await load_participants(tx, store_id, ids, lock=lock)
    for customer_id in ids:
        if customer_id not in customers:
            raise NotFound("customer_not_found", customer_id=str(customer_id))
    if removed := await being_removed(tx, store_id, ids):
        raise StateConflict("being_removed", customer_id=str(removed))
    most = MOST_MOMENTS if merge.points >= 0 else None
    lots = await lots_by_expiry(tx, store_id, ids, now, settings.timezone, most=most)
    spends = await load_spends(tx, store_id, ids, settings.rules, now) if settings.rules.levels else {}
    gifts = await gifts_of(tx, store_id, ids)
    uses = await load_uses(tx, store_id, ids)
    by_owner: defaultdict[UUID, list[Lot]] = defaultdict(list)
    for lot in lots:
        by_owner[lot.customer_id].append(lot)
    key = {"store_id": store_id, "ids": ids}
    notes = {row.customer_id: row.notes for row in await tx.execute(_NOTES, key)}
    welcomed = set((await tx.execute(_WELCOMED, key)).scalars())
    return [
        Account(
            customers[i],
            by_owner[i],
            spends.get(i, Spend()),
            [year for customer_id, year in gifts if customer_id == i],
            uses.get(i, {}),
            notes.get(i, 0),
            i in welcomed,
        )
        for i in ids
    ]


async def claim_run(tx: AsyncConnection, store_id: UUID, run_id: UUID, run: Run) -> bool:
    """False when the run was done before; waits for one that is under way."""
    claimed = await tx.execute(
        _CLAIM,
        {
            "store_id": store_id,
            "run_id": run_id,
            "primary_id": run.primary_id,
            "merged_ids": list(run.merged_ids),
            "fingerprint": run.fingerprint,
        },
    )
    return claimed.first() is not None


async def earlier_run(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> Run:
    """The run as it was done."""
    row = (await tx.execute(_EARLIER, {"store_id": store_id, "run_id": run_id})).one()
    return Run(row.primary_id, tuple(row.merged_ids), row.fingerprint, row.points_balance, tuple(row.earlier_ids))


async def finish_run(
    tx: AsyncConnection, store_id: UUID, run_id: UUID, done: Run, actor: str, record: tuple[Mapping[str, Any], ...]
) -> None:
    """Keeps the answer for whoever asks again, and the record for good: (figures, what is personal)."""
    figures, personal = record
    await tx.execute(
        _FINISH,
        {
            "store_id": store_id,
            "run_id": run_id,
            "balance": done.points_balance,
            "earlier_ids": list(done.earlier_ids),
            "actor": actor,
            "figures": figures,
            "personal": personal,
        },
    )


async def load_record(tx: AsyncConnection, store_id: UUID, run_id: UUID) -> MergeRecord | None:
    """What a merge did; None where no merge of that id was done, or before records were kept."""
    row = (await tx.execute(_RECORD, {"store_id": store_id, "run_id": run_id})).first()
    if row is None:
        return None
    personal = row.personal or {}
    asked = Merge(
        row.primary_id,
        row.merged_ids,
        row.figures["points"],
        row.figures["expires_on"],
        personal.get("description", ""),
    )
    return MergeRecord(
        merge_run_id=run_id,
        merge=asked,
        earlier_ids=row.earlier_ids,
        merged_at=row.at,
        actor=row.actor,
        facts=read_facts(row.figures, personal),
        fields=read_fields(row.figures, personal),
        forgotten=row.personal is None,
    )


async def save_outcome(
    tx: AsyncConnection,
    store_id: UUID,
    run_id: UUID,
    merged_ids: Sequence[UUID],
    outcome: Outcome,
    adjustment: Adjustment,
    search: SearchText,
    now: datetime,
) -> tuple[UUID, ...]:
    """Writes a merge whose participants' rows are held; returns the accounts that had been merged into the merged ones before."""
    survivor: Customer = outcome.survivor
    names = {
        "store_id": store_id,
        "primary_id": survivor.customer_id,
        "merged_ids": list(merged_ids),
        "run_id": run_id,
        "now": now,
    }
    led_here = (await tx.execute(_LEAD_HERE, names)).scalars()
    earlier = tuple(sorted(account for account in led_here if account))
    for statement in _MOVE:
        await tx.execute(statement, names)
    await set_uses(tx, store_id, survivor.customer_id, outcome.uses, noted=False)
    await pool_points(tx, store_id, outcome, adjustment)
    await tx.execute(
        _SURVIVE,
        {
            "store_id": store_id,
            "primary_id": survivor.customer_id,
            "name": survivor.name,
            "birthday": survivor.birthday,
            "language": survivor.language,
            "net_spend": survivor.net_spend,
            "orders_count": survivor.orders_count,
            "balance": survivor.points_balance,
            "tags": list(survivor.tags),
            "online_since": survivor.online_since,
            "version": survivor.version,
        },
    )
    if survivor.addresses:
        digest = address_digest(survivor.addresses[0])
        await tx.execute(_PREFER, {"store_id": store_id, "primary_id": survivor.customer_id, "digest": digest})
    await tx.execute(
        _FOUND_BY,
        {
            "store_id": store_id,
            "primary_id": survivor.customer_id,
            "haystack": search.haystack,
            "grams": list(search.grams),
        },
    )
    return earlier
