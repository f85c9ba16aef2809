"""Idempotency of writes (E7): the same key gives the same answer, the same key with another body an error.

The record is written in the transaction of the write itself, so there is no moment at which one exists without the other.
Commands know no transport: they hold a `Once`, made by the API layer, which knows how to write an answer down.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.errors import Conflict

R = TypeVar("R")

# For statements that claim the key together with the write: yields a row only for the first use of the key.
_INSERT = """INSERT INTO idempotency_keys (store_id, key, fingerprint, response)
 SELECT {store_id}, CAST(:idempotency_key AS text), CAST(:fingerprint AS bytea), CAST(:response AS bytea) {source}
 ON CONFLICT (store_id, key) DO NOTHING RETURNING store_id"""
_CLAIM = text(_INSERT.format(store_id="CAST(:store_id AS uuid)", source=""))
# The same in a statement that binds itself to its store (database.BOUND).
CLAIM_BOUND = _INSERT.format(store_id="bound.store_id", source="FROM bound")
_FIND = text("SELECT fingerprint, response FROM idempotency_keys WHERE store_id = :store_id AND key = :key")
_RECORD = text("UPDATE idempotency_keys SET response = :response WHERE store_id = :store_id AND key = :key")


class Replayed(Exception):
    """The write was done before; `response` is its answer, as it was encoded then."""

    def __init__(self, response: bytes) -> None:
        super().__init__("already done")
        self.response = response


@dataclass(frozen=True, slots=True)
class Once(Generic[R]):
    """One use of an idempotency key. `fingerprint` is that of method and body; `encode` writes an answer down."""

    store_id: UUID
    key: str
    fingerprint: bytes
    encode: Callable[[R], bytes]

    def columns(self, response: bytes = b"") -> dict[str, object]:
        """Parameters of CLAIM_BOUND."""
        return {
            "store_id": self.store_id,
            "idempotency_key": self.key,
            "fingerprint": self.fingerprint,
            "response": response,
        }

    async def begin(self, tx: AsyncConnection) -> None:
        """Claims the key; waits for a concurrent use of it. Raises Replayed, or Conflict (idempotency_key_reused)."""
        if (await tx.execute(_CLAIM, self.columns())).first() is None:
            await self.replay(tx)

    async def look_back(self, tx: AsyncConnection) -> None:
        """Raises what an earlier use of the key means for this one, if there was one; claims nothing.

        For writes that ask others first: a repeat shall not get what those would say by now.
        """
        row = (await tx.execute(_FIND, {"store_id": self.store_id, "key": self.key})).first()
        if row is not None:
            self._replay(row.fingerprint, row.response)

    async def replay(self, tx: AsyncConnection) -> None:
        """Raises what an earlier use of the key means for this one."""
        row = (await tx.execute(_FIND, {"store_id": self.store_id, "key": self.key})).one()
        self._replay(row.fingerprint, row.response)

    def _replay(self, fingerprint: bytes, response: bytes) -> None:
        if fingerprint != self.fingerprint:
            raise Conflict("idempotency_key_reused", "the key was used for another request")
        raise Replayed(response)

    async def finish(self, tx: AsyncConnection, result: R) -> R:
        """Writes the answer down beside the change."""
        await tx.execute(_RECORD, {"store_id": self.store_id, "key": self.key, "response": self.encode(result)})
        return result


def fingerprint(method: str, body: bytes) -> bytes:
    """SHA-256 of what was asked."""
    return hashlib.sha256(method.encode() + b"\0" + body).digest()
