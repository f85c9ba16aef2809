"""Customers log in by a password, and set one."""

from __future__ import annotations

from services.common import outbox
from services.common.errors import InvalidInput, StateConflict, Unauthenticated
from services.common.network import network_of
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts.notices import notices
from services.identity_merge.commands.accounts.owning import check_alive
from services.identity_merge.commands.accounts.sessions import begin_session, session_of
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import LONGEST_PASSWORD, read_password
from services.identity_merge.domain.logins import BY_WORD, Begun, CustomerSession, Visit
from services.identity_merge.domain.passwords import CHANGE_LIMITS, LOG_IN_LIMITS, Credentials, within
from services.identity_merge.store import access, codes, passwords, proving, sessions


async def log_in_with_password(context: Context, claims: ServiceClaims, typed: Credentials, visit: Visit) -> Begun:
    """Begins a session of 30 days. Raises Unauthenticated (login_refused), in the same words and time for every cause.

    Attempts are counted before they are judged; whoever has made too many is refused even with the right password, until the
    window ends. A code gets the owner in meanwhile.
    """
    kind, value = typed.identifier(claims.region)
    digest = context.identifiers.digest(kind, value)
    subjects = {
        "identifier": context.identifiers.digest("password", f"{kind}:{value}"),
        "source": context.identifiers.digest("password_source", network_of(typed.source)),
    }
    async with context.database.transaction(claims.store) as tx:
        counts = await codes.count(tx, claims.store, LOG_IN_LIMITS, subjects)
        known = await passwords.find(tx, claims.store, kind, digest)
    allowed = within(LOG_IN_LIMITS, counts)
    right = await context.passwords.verify(known if allowed else None, typed.password[:LONGEST_PASSWORD])
    if not right:
        raise Unauthenticated("login_refused")
    async with context.database.transaction(claims.store) as tx:
        # Held: from here on the login is proved and the password the one that was judged, or nothing begins. A new password waits for
        # this, and ends it.
        method, _ = await proving.hold_method(tx, claims.store, kind, digest) or (None, None)
        if method is None or await passwords.find(tx, claims.store, kind, digest, hold=True) != known:
            raise Unauthenticated("login_refused")
        await access.forget_attempts(tx, claims.store, subjects["identifier"])
        return await begin_session(tx, claims.store, method, visit, BY_WORD)


async def set_password(context: Context, claims: ServiceClaims, credential: str, current: str, new: str) -> Begun:
    """Sets the account's password; all its other sessions end, and the caller's goes on under a new token.

    Raises Unauthenticated (session_refused), StateConflict (proof_needed, identifier_retired), InvalidInput (weak_password, too_long,
    password_wrong).
    """
    read_password(new, "new_password")
    async with context.database.transaction(claims.store) as tx:
        session = await session_of(tx, claims.store, credential)
        known = await passwords.load(tx, claims.store, session.login_method.customer_id)
    if not session.fresh:
        await _check_current(context, claims, session, known, current)
    password_hash = await context.passwords.hash(new)
    customer_id, token = session.login_method.customer_id, tokens.mint(tokens.MEMBER_SESSION, claims.store)
    async with context.database.transaction(claims.store) as tx:
        await check_alive(tx, claims.store, customer_id)
        await passwords.put(tx, claims.store, customer_id, password_hash)
        old, fresh = tokens.digest(credential), tokens.digest(token)
        if not await sessions.rotate(tx, claims.store, session.session_id, old, fresh):
            raise Unauthenticated("session_refused")
        await sessions.end_of(tx, claims.store, customer_id, but=session.session_id)
        noted = events.noted(f"customer:{customer_id}", "customer.password_set", "customer", customer_id)
        await outbox.add(tx, claims.store, [*await notices(tx, claims.store, customer_id, "password_set"), noted])
    context.waker.wake()
    return Begun(token, session.login_method, session.expires_at)


async def _check_current(
    context: Context, claims: ServiceClaims, session: CustomerSession, known: str | None, current: str
) -> None:
    """Whoever has stolen a session shall not find the password by trying.

    Raises StateConflict (proof_needed), InvalidInput (password_wrong).
    """
    if known is None or not current:
        raise StateConflict("proof_needed")
    subject = context.identifiers.digest("password_change", str(session.login_method.customer_id))
    async with context.database.transaction(claims.store) as tx:
        counts = await codes.count(tx, claims.store, CHANGE_LIMITS, {"account": subject})
    allowed = within(CHANGE_LIMITS, counts)
    if not await context.passwords.verify(known if allowed else None, current[:LONGEST_PASSWORD]):
        raise InvalidInput.of("current_password", "password_wrong")
