"""A customer's past, read from the tables that remember it (F13)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.paging import PageRequest
from services.membership.domain import HistoryEntry

# One part for each kind of thing. Those with an account's id to be shown as "from" come from rows that a merge has moved.
# Points that a merge moved are told by the merge itself.
_PARTS = (
    """SELECT 'known-' || c.customer_id, c.created_at, 'known', '', c.customer_id, '', 0, 0, NULL::uuid, NULL::uuid
 FROM accounts c WHERE c.joined_at IS NULL""",
    """SELECT 'joined-' || c.customer_id, c.joined_at, 'joined', '', c.customer_id, '', 0, 0, NULL, NULL
 FROM accounts c WHERE c.joined_at IS NOT NULL""",
    """SELECT 'online-' || c.customer_id, c.online_since, 'signed_up_online', '', c.customer_id, '', 0, 0, NULL, NULL
 FROM accounts c WHERE c.online_since IS NOT NULL AND c.merged_at IS NULL""",
    """SELECT 'guests-' || j.joining_id, j.at, 'guest_orders_joined', '', COALESCE(j.origin_customer_id, j.customer_id),
  j.kind || ',' || j.orders, 0, 0, NULL, NULL
 FROM guest_joinings j WHERE j.store_id = :store_id AND j.customer_id = :customer_id""",
    """SELECT 'merged-' || c.customer_id, c.merged_at, 'merged', '', c.customer_id, c.name, COALESCE((SELECT -sum(e.points)
  FROM points_entries e WHERE e.store_id = :store_id AND e.customer_id = c.customer_id AND e.merge_run_id = c.merge_run_id
   AND e.reason = 7), 0)::bigint, 0, NULL, c.merge_run_id
 FROM accounts c WHERE c.merged_at IS NOT NULL""",
    """SELECT 'points-' || e.entry_id, e.at, 'points', e.actor, e.customer_id, e.note, e.points, e.reason::int, e.order_id, e.merge_run_id
 FROM points_entries e WHERE e.store_id = :store_id AND e.customer_id = ANY(ARRAY(SELECT customer_id FROM accounts))
  AND e.reason NOT IN (7, 8)""",
    """SELECT 'level-' || l.customer_id || l.seq, l.at, 'level_changed', l.actor, l.customer_id, l.to_level_name, 0, 0, NULL, NULL
 FROM level_changes l WHERE l.store_id = :store_id AND l.customer_id = ANY(ARRAY(SELECT customer_id FROM accounts))""",
    """SELECT 'note-' || n.note_id, n.at, 'note', n.author, COALESCE(n.origin_customer_id, n.customer_id), n.content, 0, 0, NULL, NULL
 FROM customer_notes n WHERE n.store_id = :store_id AND n.customer_id = :customer_id""",
    """SELECT 'struck-' || n.note_id, n.struck_at, 'note_struck', n.struck_by, COALESCE(n.origin_customer_id, n.customer_id), n.content,
  0, 0, NULL, NULL
 FROM customer_notes n WHERE n.store_id = :store_id AND n.customer_id = :customer_id AND n.struck_at IS NOT NULL""",
    """SELECT 'consent-' || s.consent_id, s.at, 'phone_changed', s.taken_by, COALESCE(s.origin_customer_id, s.customer_id), s.given,
  0, 0, NULL, NULL
 FROM consents s WHERE s.store_id = :store_id AND s.customer_id = :customer_id""",
    """SELECT 'change-' || p.change_id, p.at, 'profile_changed', p.actor, COALESCE(p.origin_customer_id, p.customer_id),
  array_to_string(p.fields, ','), 0, 0, NULL, NULL
 FROM profile_changes p WHERE p.store_id = :store_id AND p.customer_id = :customer_id""",
    """SELECT 'use-' || u.change_id, u.at, CASE WHEN u.given THEN 'consent_given' ELSE 'consent_withdrawn' END, u.actor,
  COALESCE(u.origin_customer_id, u.customer_id), u.kind, 0, 0, NULL, NULL
 FROM use_changes u WHERE u.store_id = :store_id AND u.customer_id = :customer_id""",
    """SELECT 'removal-' || r.removal_id, COALESCE(r.finished_at, r.requested_at),
  CASE r.kind WHEN 'delete' THEN CASE r.state WHEN 'done' THEN 'deleted' WHEN 'refused' THEN 'deletion_refused' ELSE 'deletion_begun' END
   ELSE CASE r.state WHEN 'done' THEN 'erased' WHEN 'refused' THEN 'erasure_refused' ELSE 'erasure_begun' END END,
  r.requested_by, r.customer_id, r.refusal, 0, 0, NULL, NULL
 FROM removals r WHERE r.store_id = :store_id AND r.customer_id = :customer_id""",
)
_COLUMNS = "entry_id, at, kind, actor, customer_id, content, points, reason, order_id, merge_run_id"
# Each part reads what one customer has, by its key, so the whole costs as much as that customer has lived through.
_PAGE = text(
    f"""WITH accounts AS (SELECT customer_id, created_at, joined_at, online_since, merged_at, merge_run_id, name FROM customers
  WHERE store_id = :store_id AND customer_id = :customer_id
  UNION ALL SELECT customer_id, created_at, joined_at, online_since, merged_at, merge_run_id, name FROM customers
  WHERE store_id = :store_id AND survivor_id = :customer_id AND merge_run_id IS NOT NULL),
 past ({_COLUMNS}) AS ({" UNION ALL ".join(_PARTS)})
 SELECT {_COLUMNS} FROM past
 WHERE CAST(:at AS timestamptz) IS NULL OR (at, entry_id COLLATE "C") < (CAST(:at AS timestamptz), CAST(:entry_id AS text))
 ORDER BY at DESC, entry_id COLLATE "C" DESC LIMIT :most"""
)


async def history_page(tx: AsyncConnection, store_id: UUID, customer_id: UUID, page: PageRequest) -> list[HistoryEntry]:
    """What happened to the customer and to accounts merged into it, newest first, one more than the page holds.

    `page.after` is (at, entry_id).
    """
    at, entry_id = page.after or (None, None)
    mine = {"store_id": store_id, "customer_id": customer_id}
    rows = await tx.execute(_PAGE, {**mine, "at": at, "entry_id": entry_id, "most": page.size + 1})
    return [_entry(row) for row in rows]


def _entry(row: Row[Any]) -> HistoryEntry:
    return HistoryEntry(
        entry_id=row.entry_id,
        at=row.at,
        kind=row.kind,
        actor=row.actor,
        customer_id=row.customer_id,
        text=row.content,
        points=row.points,
        reason=row.reason,
        order_id=row.order_id,
        merge_run_id=row.merge_run_id,
    )
