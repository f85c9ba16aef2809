"""What a browser has proved, waiting for the person to finish the registration."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.identity_merge.domain.proofs import Proved, browser_digest
from services.identity_merge.store import proofs


async def put_proof(
    tx: AsyncConnection, store_id: UUID, browser: str, proved: Proved, code_id: UUID | None = None
) -> None:
    """Keeps a proof of something that is nobody's for 30 minutes, for this browser alone.

    With a `code_id` it waits for that code: whoever types it has the account of the code's identifier, or makes one, and the proof
    becomes a login method of that (A8). A code that is asked for later does not bring it along.
    """
    await proofs.put(tx, store_id, browser_digest(browser), proved, code_id)
