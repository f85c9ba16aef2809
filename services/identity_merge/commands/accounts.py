"""Customers log in by a code that is sent to them, and log out (A4, A8, F13).

Nothing here takes another way for an identifier that is nobody's than for one that is somebody's: the same statements, the same answers.
Only the mail differs, which none but its reader sees.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.errors import Internal, InvalidInput, PermissionDenied
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain import codes as rules
from services.identity_merge.domain import tokens
from services.identity_merge.domain.codes import CodeRequest, Tried
from services.identity_merge.domain.logins import CustomerSession, LoginState
from services.identity_merge.store import codes


@dataclass(frozen=True, slots=True)
class Begun:
    """A session that has just begun; the token is known to nobody else."""

    token: str
    session: CustomerSession


async def request_code(context: Context, claims: ServiceClaims, once: Once[datetime], asked: CodeRequest) -> datetime:
    """Has a code sent, in the place of the browser's earlier one; when it ends. Raises StateConflict (too_many_codes), Replayed.

    The code itself is made when it is sent (`issue_code`), so that none waits in a queue or an event.
    """
    identifier = context.identifiers.digest(asked.kind, asked.value)
    subjects = {of: context.identifiers.digest(f"codes_{of}", text) for of, text in asked.subjects().items()}
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        rules.check_counts(await codes.count(tx, claims.store, subjects))
        pending = await codes.put(tx, claims.store, _digest(asked.browser), new_id(), asked.kind, identifier)
        wanted = events.code_requested(pending.code_id, pending.customer_id, asked.kind, asked.value, asked.language)
        await outbox.add(tx, claims.store, [wanted])
        ends = await once.finish(tx, pending.expires_at)
    context.waker.wake()
    return ends


async def issue_code(context: Context, claims: ServiceClaims, code_id: UUID) -> str | None:
    """A new code, which is the right one from now on; "" where nobody logs in by the identifier, None where the request has ended.

    Raises PermissionDenied.
    """
    if claims.role != "service":
        raise PermissionDenied("permission_denied", "only services issue codes")
    code = rules.make_code()
    async with context.database.transaction(claims.store) as tx:
        known = await codes.issue(tx, claims.store, code_id, _keyed(context, code_id, code))
    return None if known is None else code if known else ""


async def verify_code(context: Context, claims: ServiceClaims, browser: str, text: str) -> Begun:
    """Begins a session of 30 days. A code that came to an address which waits for proof is that proof (A4).

    Raises InvalidInput (code_wrong with `left` tries, code_gone, not_a_code).
    """
    code, digest = rules.read_code(text), _digest(browser)
    begun = None
    async with context.database.transaction(claims.store) as tx:
        tried = await codes.try_one(tx, claims.store, digest)
        if tried and _is_right(context, tried, code):
            await codes.use(tx, claims.store, digest)
            begun = await _begin(tx, claims.store, tried)
    if begun is None:  # outside, for the try is counted all the same
        raise _refusal(tried)
    context.waker.wake()
    return begun


def _is_right(context: Context, tried: Tried, code: str) -> bool:
    expected, typed = tried.code_digest or bytes(32), _keyed(context, tried.code_id, code)
    return hmac.compare_digest(expected, typed)


def _refusal(tried: Tried | None) -> InvalidInput:
    if tried is None or tried.left == 0:
        return InvalidInput.of("code", "code_gone")
    return InvalidInput.of("code", "code_wrong", left=str(tried.left))


async def _begin(tx: AsyncConnection, store_id: UUID, tried: Tried) -> Begun | None:
    """None when the login was retired since the code was sent."""
    held = await codes.hold_method(tx, store_id, tried.kind, tried.digest)
    if held is None:
        return None
    method, state = held
    if state is LoginState.UNCONFIRMED:
        await codes.prove(tx, store_id, method.login_method_id)
        await outbox.add(tx, store_id, [events.login_confirmed(method.login_method_id, method.customer_id)])
    token = tokens.mint(tokens.MEMBER_SESSION, store_id)
    await codes.add_session(tx, store_id, tokens.digest(token), method.login_method_id)
    session = await codes.find_session(tx, store_id, tokens.digest(token))
    if session is None:
        raise Internal("internal", "a session that has just begun is not there")
    return Begun(token, session)


async def log_out(context: Context, claims: ServiceClaims, credential: str) -> None:
    """Ends a session of the caller's store; anything else is no error."""
    token = tokens.read(credential)
    if token and token.purpose == tokens.MEMBER_SESSION and token.store_id == claims.store:
        async with context.database.transaction(token.store_id) as tx:
            await codes.end_session(tx, token.store_id, token.digest)


def _digest(browser: str) -> bytes:
    return hashlib.sha256(browser.encode()).digest()


def _keyed(context: Context, code_id: UUID, code: str) -> bytes:
    """A million codes are tried out in no time, so what is kept of one needs a key that is not in the database."""
    return context.identifiers.digest("login_code", f"{code_id}:{code}")
