"""Customers' sessions: begun, rotated, ended (F13)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.errors import Unauthenticated
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts.notices import notices
from services.identity_merge.domain import tokens
from services.identity_merge.domain.logins import Begun, CustomerSession, LoginMethod, Visit, clean_agent
from services.identity_merge.store import sessions


async def begin_session(tx: AsyncConnection, store_id: UUID, method: LoginMethod, visit: Visit, by: str = "") -> Begun:
    """A session of 30 days, by a login method that is held and proved; `by` is the method's kind, unless it was a password.

    The token is always a fresh one, and the browser's earlier session ends: nobody can plant one, and none is left behind.
    """
    await _end_earlier(tx, store_id, visit.earlier)
    token = tokens.mint(tokens.MEMBER_SESSION, store_id)
    agent = clean_agent(visit.agent)
    ends = await sessions.add(
        tx, store_id, tokens.digest(token), new_id(), method.login_method_id, by or method.kind, agent
    )
    return Begun(token, method, ends)


async def _end_earlier(tx: AsyncConnection, store_id: UUID, credential: str) -> None:
    if digest := tokens.read_session(credential, store_id):
        await sessions.end(tx, store_id, digest)


async def session_of(tx: AsyncConnection, store_id: UUID, credential: str) -> CustomerSession:
    """Whose session of the store it is. Raises Unauthenticated (session_refused)."""
    digest = tokens.read_session(credential, store_id)
    session = await sessions.find(tx, store_id, digest) if digest else None
    if session is None:
        raise Unauthenticated("session_refused")
    return session


async def log_out(context: Context, claims: ServiceClaims, credential: str) -> None:
    """Ends a session of the caller's store; anything else is no error."""
    async with context.database.transaction(claims.store) as tx:
        await _end_earlier(tx, claims.store, credential)


async def end_sessions(context: Context, claims: ServiceClaims, credential: str, session_id: UUID | None) -> int:
    """Ends one session of the caller's account, or all but the caller's own; how many it were. Raises Unauthenticated (session_refused).

    The owner hears when all others were ended: it may have been somebody else who did it.
    """
    async with context.database.transaction(claims.store) as tx:
        current = await session_of(tx, claims.store, credential)
        customer_id = current.login_method.customer_id
        but = None if session_id else current.session_id
        ended = await sessions.end_of(tx, claims.store, customer_id, only=session_id, but=but)
        if ended:
            count = audit.change("sessions", ended, 0)
            news = [
                events.noted(f"customer:{customer_id}", "customer.sessions_ended", "customer", customer_id, [count])
            ]
            if session_id is None:
                news += await notices(tx, claims.store, customer_id, "sessions_ended")
            await outbox.add(tx, claims.store, news)
    context.waker.wake()
    return ended
