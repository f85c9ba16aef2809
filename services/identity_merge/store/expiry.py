"""Rows that have run out."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

TABLES = {
    "staff_sessions": "expires_at < now()",
    "staff_challenges": "expires_at < now()",
    # Shown for a while as expired, with the button that sends them again.
    "staff_invitations": "expires_at < now() - interval '30 days'",
    "api_key_old_secrets": "good_until < now()",
    "confirmations": "expires_at < now()",
    # The page behind the link shows the address a while longer, and asks for a code.
    "guest_invitations": "expires_at < now() - interval '45 days'",
    "codes": "expires_at < now()",
    "proofs": "expires_at < now()",
    "social_attempts": "expires_at < now()",
    "customer_sessions": "expires_at < now()",
    # Kept a while, so that committing a plan a second time still finds its run.
    "merge_plans": "expires_at < now() - interval '7 days'",
    "login_attempts": "since < now() - interval '1 day'",
}


async def delete_batch(tx: AsyncConnection, table: str, most: int) -> int:
    """Deletes up to `most` rows of one of TABLES; how many it were."""
    statement = f"DELETE FROM {table} WHERE ctid IN (SELECT ctid FROM {table} WHERE {TABLES[table]} LIMIT :most)"
    return (await tx.execute(text(statement), {"most": most})).rowcount
