"""API keys and their secrets in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.database import BOUND, Statement
from services.common.paging import PageRequest
from services.identity_merge.domain.access import OLD_SECRET_LIFETIME, ApiKey, Holder, KeyWish
from services.identity_merge.store.access import store_of

_COLUMNS = "k.api_key_id, k.name AS key_name, k.scopes, k.created_at, k.created_by, k.expires_at, k.last_used"


async def add(tx: AsyncConnection, store_id: UUID, api_key_id: UUID, wish: KeyWish, digest: bytes, by: str) -> ApiKey:
    """Writes a new key, made by `by`; the key as it is kept."""
    values = {
        "store_id": store_id,
        "api_key_id": api_key_id,
        "digest": digest,
        "name": wish.name,
        "scopes": list(wish.scopes),
        "created_by": by,
        "lifetime": wish.lifetime,
    }
    return _key((await tx.execute(_ADD, values)).one())


_ADD = text(
    f"""INSERT INTO api_keys AS k (store_id, api_key_id, key_digest, name, scopes, created_by, expires_at)
 VALUES (:store_id, :api_key_id, :digest, :name, :scopes, :created_by, now() + CAST(:lifetime AS interval)) RETURNING {_COLUMNS}"""
)


async def holders(connection: AsyncConnection, store_id: UUID, digests: Sequence[bytes]) -> dict[bytes, Holder]:
    """Whose secrets they are, where the key is neither revoked nor expired and the secret not too old.

    Notes, at most every 5 minutes, that the keys are used. The connection is one of at_once.
    """
    rows = await _BY_SECRET.all(connection, {"store_id": store_id, "digests": digests})
    if unseen := [row["api_key_id"] for row in rows if row["unseen"]]:
        await _SEEN.all(connection, {"store_id": store_id, "api_key_ids": unseen})
    return {row["digest"]: Holder(store_of(row), _key(row)) for row in rows}


_GOOD = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"
_FOUND = f"{_COLUMNS}, k.last_used IS NULL OR k.last_used < now() - interval '5 minutes' AS unseen"
# LATERAL with OFFSET is read after what it refers to, so the store is named before a policy asks for it.
_BY_SECRET = Statement(
    f"""WITH {BOUND}
 SELECT s.*, found.* FROM bound
 JOIN stores s ON s.store_id = bound.store_id
 CROSS JOIN LATERAL (
  SELECT k.key_digest AS digest, {_FOUND} FROM api_keys k
  WHERE k.store_id = bound.store_id AND k.key_digest = ANY(:digests) AND {_GOOD}
  UNION ALL
  SELECT o.key_digest, {_FOUND} FROM api_key_old_secrets o JOIN api_keys k ON k.store_id = o.store_id AND k.api_key_id = o.api_key_id
  WHERE o.store_id = bound.store_id AND o.key_digest = ANY(:digests) AND o.good_until > now() AND {_GOOD}
  OFFSET 0) AS found"""
)
_SEEN = Statement(
    f"""WITH {BOUND}
 UPDATE api_keys k SET last_used = now() FROM bound, LATERAL (SELECT bound.store_id LIMIT 1) AS b
 WHERE k.store_id = b.store_id AND k.api_key_id = ANY(:api_key_ids)"""
)


async def page_of(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> Sequence[ApiKey]:
    """Keys that are not revoked, newest first; one more than the page holds. `page.after` is (created_at, api_key_id)."""
    after_at, after_id = page.after or (None, None)
    values = {"store_id": store_id, "after_at": after_at, "after_id": after_id, "most": page.size + 1}
    return [_key(row) for row in await tx.execute(_PAGE, values)]


_OLD = """(SELECT max(o.good_until) FROM api_key_old_secrets o WHERE o.store_id = k.store_id AND o.api_key_id = k.api_key_id
  AND o.good_until > now()) AS old_until"""
_PAGE = text(
    f"""SELECT {_COLUMNS}, {_OLD} FROM api_keys k WHERE k.store_id = :store_id AND k.revoked_at IS NULL
 AND (CAST(:after_at AS timestamptz) IS NULL OR (k.created_at, k.api_key_id) < (CAST(:after_at AS timestamptz), CAST(:after_id AS uuid)))
 ORDER BY k.created_at DESC, k.api_key_id DESC LIMIT :most"""
)


async def replace_secret(
    tx: AsyncConnection, store_id: UUID, api_key_id: UUID, digest: bytes
) -> tuple[ApiKey, datetime] | None:
    """Gives a key that is not revoked another secret: the key, and until when the one before works. None: no such key."""
    values = {"store_id": store_id, "api_key_id": api_key_id, "digest": digest, "lifetime": OLD_SECRET_LIFETIME}
    if (await tx.execute(_KEEP_OLD, values)).first() is None:
        return None
    row = (await tx.execute(_REPLACE, values)).one()
    return _key(row), row.old_until


_KEEP_OLD = text(
    """INSERT INTO api_key_old_secrets (store_id, key_digest, api_key_id, good_until)
 SELECT store_id, key_digest, api_key_id, now() + CAST(:lifetime AS interval) FROM api_keys
 WHERE store_id = :store_id AND api_key_id = :api_key_id AND revoked_at IS NULL FOR NO KEY UPDATE RETURNING 1"""
)
_REPLACE = text(
    f"""UPDATE api_keys k SET key_digest = :digest WHERE k.store_id = :store_id AND k.api_key_id = :api_key_id
 RETURNING {_COLUMNS}, now() + CAST(:lifetime AS interval) AS old_until"""
)


async def revoke(tx: AsyncConnection, store_id: UUID, api_key_id: UUID) -> tuple[ApiKey, bool] | None:
    """Ends a key: the key, and whether it was not ended before. None: no such key."""
    values = {"store_id": store_id, "api_key_id": api_key_id}
    ended = (await tx.execute(_REVOKE, values)).first()
    row = ended or (await tx.execute(_ONE, values)).first()
    return (_key(row), ended is not None) if row else None


_REVOKE = text(
    f"""UPDATE api_keys k SET revoked_at = now() WHERE k.store_id = :store_id AND k.api_key_id = :api_key_id AND k.revoked_at IS NULL
 RETURNING {_COLUMNS}"""
)
_ONE = text(f"SELECT {_COLUMNS} FROM api_keys k WHERE k.store_id = :store_id AND k.api_key_id = :api_key_id")


def _key(row: Any) -> ApiKey:
    columns = getattr(row, "_mapping", row)
    return ApiKey(
        columns["api_key_id"],
        columns["key_name"],
        tuple(columns["scopes"]),
        columns["created_at"],
        columns["created_by"],
        columns["expires_at"],
        columns["last_used"],
        columns.get("old_until"),
    )
