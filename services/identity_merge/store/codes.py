"""One-time codes in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.codes import LIFETIME, MOST_TRIES, CodePurpose, Limit, Pending, Tried
from services.identity_merge.domain.proofs import Proved


async def count(
    tx: AsyncConnection, store_id: UUID, limits: Sequence[Limit], subjects: Mapping[str, bytes]
) -> dict[str, int]:
    """Counts one more for each of the limits; how many there were in each window. `subjects`: limit → digest of what is counted."""
    counts: dict[str, int] = {}
    for window in sorted({limit.window for limit in limits}):
        names = {subjects[limit.of]: limit.of for limit in limits if limit.window == window}
        parameters = {"store_id": store_id, "subjects": list(names), "window": window}
        counts |= {names[row.subject]: row.attempts for row in await tx.execute(_COUNT, parameters)}
    return counts


# Sorted, so that two requests never wait for one another in a circle. A window that is over begins anew.
_COUNT = text(
    """INSERT INTO login_attempts AS a (store_id, subject, attempts, since)
 SELECT CAST(:store_id AS uuid), s, 1, now() FROM unnest(CAST(:subjects AS bytea[])) s ORDER BY s
 ON CONFLICT (store_id, subject) DO UPDATE SET
  attempts = CASE WHEN a.since < now() - CAST(:window AS interval) THEN 1 ELSE a.attempts + 1 END,
  since = CASE WHEN a.since < now() - CAST(:window AS interval) THEN now() ELSE a.since END
 RETURNING subject, attempts"""
)


async def put(
    tx: AsyncConnection,
    store_id: UUID,
    browser_digest: bytes,
    code_id: UUID,
    identifier: Proved,
    adding_to: UUID | None,
) -> Pending:
    """Writes a code to be, in the place of the browser's earlier one; the same statement whether or not anybody has the identifier (A8)."""
    parameters = {
        "store_id": store_id,
        "browser": browser_digest,
        "code_id": code_id,
        "kind": identifier.kind,
        "digest": identifier.digest,
        "value": identifier.value,
        "adding_to": adding_to,
        "lifetime": LIFETIME,
    }
    row = (await tx.execute(_PUT, parameters)).one()
    return Pending(code_id, row.customer_id, row.expires_at)


_METHOD = "m.store_id = c.store_id AND m.kind = c.kind AND m.digest = c.digest"
_PUT = text(
    f"""INSERT INTO codes AS c (store_id, browser_digest, code_id, kind, digest, value, adding_to, expires_at)
 VALUES (:store_id, :browser, :code_id, :kind, :digest, :value, :adding_to, now() + CAST(:lifetime AS interval))
 ON CONFLICT (store_id, browser_digest) DO UPDATE SET code_id = excluded.code_id, kind = excluded.kind, digest = excluded.digest,
  value = excluded.value, adding_to = excluded.adding_to, code_digest = NULL, link_digest = NULL, link_browser = NULL, tries = 0,
  expires_at = excluded.expires_at
 RETURNING c.expires_at, (SELECT m.customer_id FROM login_methods m WHERE {_METHOD} AND m.state <> 3) AS customer_id"""
)


async def issue(
    tx: AsyncConnection, store_id: UUID, code_id: UUID, code_digest: bytes, link_digest: bytes
) -> tuple[CodePurpose, bool] | None:
    """Makes this the right code, unless the identifier is retired, and this the link of a mail that registers.

    What the code is for, and whether the link is good; None where the code has ended.
    """
    parameters = {"store_id": store_id, "code_id": code_id, "code_digest": code_digest, "link_digest": link_digest}
    row = (await tx.execute(_ISSUE, parameters)).first()
    return (CodePurpose(row.purpose), row.linked) if row else None


_ISSUE = text(
    f"""UPDATE codes c SET code_digest = CASE WHEN p.purpose <> 4 THEN CAST(:code_digest AS bytea) END,
  link_digest = CASE WHEN p.purpose = 2 AND c.kind = 'email' THEN CAST(:link_digest AS bytea) END, link_browser = NULL
 FROM (SELECT c.code_id, CASE WHEN m.state = 3 THEN 4 WHEN c.adding_to IS NOT NULL THEN 3 WHEN m.state IS NULL THEN 2 ELSE 1 END AS purpose
   FROM codes c LEFT JOIN login_methods m ON {_METHOD} WHERE c.store_id = :store_id AND c.code_id = :code_id) p
 WHERE c.store_id = :store_id AND c.code_id = p.code_id AND c.expires_at > now()
 RETURNING p.purpose, c.link_digest IS NOT NULL AS linked"""
)


async def try_one(tx: AsyncConnection, store_id: UUID, browser_digest: bytes) -> Tried | None:
    """Counts a try before it is judged, so that many at once cannot slip by; None when no live code has one left.

    The code is held until the transaction ends.
    """
    parameters = {"store_id": store_id, "browser": browser_digest, "most": MOST_TRIES}
    row = (await tx.execute(_TRY, parameters)).first()
    return _tried(row) if row else None


_TRY = text(
    """UPDATE codes SET tries = tries + 1
 WHERE store_id = :store_id AND browser_digest = :browser AND expires_at > now() AND tries < :most
 RETURNING code_id, kind, digest, value, code_digest, tries, adding_to"""
)


def _tried(row: Row[Any]) -> Tried:
    return Tried(row.code_id, row.kind, row.digest, row.value, row.code_digest, row.tries, row.adding_to)


async def use(tx: AsyncConnection, store_id: UUID, code_id: UUID) -> bool:
    """The right code came; it is good once. False when it was used already."""
    return (await tx.execute(_USE, {"store_id": store_id, "code_id": code_id})).rowcount == 1


_USE = text("DELETE FROM codes WHERE store_id = :store_id AND code_id = :code_id")


async def follow(tx: AsyncConnection, store_id: UUID, link_digest: bytes, browser_digest: bytes) -> Proved | None:
    """The address whose mail had the link, if the link is good still and this is the first browser that opens it, or the same again."""
    parameters = {"store_id": store_id, "link": link_digest, "browser": browser_digest}
    row = (await tx.execute(_FOLLOW, parameters)).first()
    return Proved(row.kind, row.digest, row.value) if row else None


_FOLLOW = text(
    """UPDATE codes SET link_browser = :browser WHERE store_id = :store_id AND link_digest = :link AND expires_at > now()
   AND (link_browser IS NULL OR link_browser = :browser) RETURNING kind, digest, value"""
)
