"""Codes and links that prove a phone or an address (A3, A4, A8)."""

from __future__ import annotations

import hmac
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.clients import Added
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts.owning import account_of, add_logins
from services.identity_merge.commands.accounts.sessions import begin_session, session_of
from services.identity_merge.domain import codes as rules
from services.identity_merge.domain import tokens
from services.identity_merge.domain.codes import LIMITS, CodePurpose, CodeRequest, IssuedCode, Pending, Tried
from services.identity_merge.domain.logins import LoginState, Visit
from services.identity_merge.domain.proofs import Outcome, Proved, Verified, browser_digest
from services.identity_merge.store import access, codes, inviting, logins, proofs, proving

# What each kind of link is followed by.
_LINKS = {tokens.REGISTRATION: codes.follow, tokens.GUEST_INVITATION: inviting.follow}


async def request_code(
    context: Context, claims: ServiceClaims, once: Once[datetime], asked: CodeRequest, credential: str
) -> datetime:
    """Has a code sent, in the place of the browser's earlier one; when it ends. With a session's `credential` it is to add to that account.

    Raises StateConflict (too_many_codes), Unauthenticated (session_refused), Replayed. The code itself is made when it is sent
    (`issue_code`), so that none waits in a queue or an event.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        adding_to = None
        if credential:
            adding_to = (await session_of(tx, claims.store, credential)).login_method.customer_id
        pending = await send_code(context, tx, claims.store, asked, adding_to)
        ends = await once.finish(tx, pending.expires_at)
    context.waker.wake()
    return ends


async def send_code(
    context: Context, tx: AsyncConnection, store_id: UUID, asked: CodeRequest, adding_to: UUID | None = None
) -> Pending:
    """Has a code sent, as part of the caller's transaction, who wakes the relay. Raises StateConflict (too_many_codes)."""
    subjects = {
        of: context.identifiers.digest(f"codes_{asked.kind}_{of}", counted) for of, counted in asked.subjects().items()
    }
    rules.check_counts(asked.kind, await codes.count(tx, store_id, LIMITS[asked.kind], subjects))
    identifier = Proved(asked.kind, context.identifiers.digest(asked.kind, asked.value), asked.value)
    pending = await codes.put(tx, store_id, browser_digest(asked.browser), new_id(), identifier, adding_to)
    wanted = events.code_requested(pending.code_id, pending.customer_id, asked.kind, asked.value, asked.language)
    await outbox.add(tx, store_id, [wanted])
    return pending


async def issue_code(context: Context, claims: ServiceClaims, code_id: UUID) -> IssuedCode | None:
    """A new code, which is the right one from now on, and what it is for; None where the request has ended."""
    code, link = rules.make_code(), tokens.mint(tokens.REGISTRATION, claims.store)
    async with context.database.transaction(claims.store) as tx:
        issued = await codes.issue(tx, claims.store, code_id, _keyed(context, code_id, code), tokens.digest(link))
        if issued is None:
            return None
        purpose, linked = issued
        slug = (await access.load_store(tx, claims.store)).slug
    return IssuedCode(purpose, "" if purpose is CodePurpose.REFUSED else code, link if linked else "", slug)


async def verify_code(context: Context, claims: ServiceClaims, browser: str, text: str, visit: Visit) -> Verified:
    """Takes a code as the proof of what it was sent to.

    Somebody's login begins a session (A4); what is nobody's is kept as a proof, for `register`; what was asked for by somebody who is
    logged in is added to their account. Raises InvalidInput (code_wrong with `left` tries, code_gone, not_a_code), StateConflict
    (identifier_retired), Unauthenticated (session_refused).
    """
    code, digest = rules.read_code(text), browser_digest(browser)
    done: Verified | None = None
    async with context.database.transaction(claims.store) as tx:
        tried = await codes.try_one(tx, claims.store, digest)
        right = tried is not None and _is_right(context, tried, code)
        if tried and right and tried.adding_to is None:
            done = await _take(tx, claims.store, digest, tried, visit)
    if tried is None or not right:  # outside, for the try is counted all the same
        raise _refusal(tried)
    if done is None:
        done = await _add(context, claims, tried, visit)
    context.waker.wake()
    return done


def _is_right(context: Context, tried: Tried, code: str) -> bool:
    expected, typed = tried.code_digest or bytes(32), _keyed(context, tried.code_id, code)
    return hmac.compare_digest(expected, typed)


def _refusal(tried: Tried | None) -> InvalidInput:
    if tried is None or tried.left == 0:
        return InvalidInput.of("code", "code_gone")
    return InvalidInput.of("code", "code_wrong", left=str(tried.left))


async def _take(tx: AsyncConnection, store_id: UUID, browser: bytes, tried: Tried, visit: Visit) -> Verified:
    """The code is used up, whatever comes of it. What waited for it goes where it goes."""
    await codes.use(tx, store_id, tried.code_id)
    identifier = Proved(tried.kind, tried.digest, tried.value)
    connected = await proofs.take_connected(tx, store_id, browser, tried.code_id)
    if connected:  # before the method is held, as merges do it
        await logins.hold_owners(tx, store_id, [*(await logins.owners_of(tx, store_id, [identifier])).values()])
    method = await account_of(tx, store_id, tried.kind, tried.digest)
    if method is None:
        for proved in (*connected, identifier):
            await proofs.put(tx, store_id, browser, proved)
        return Verified(Outcome.REGISTER)
    if connected:
        await add_logins(tx, store_id, method.customer_id, connected, tell=True)
    return Verified(Outcome.LOGGED_IN, await begin_session(tx, store_id, method, visit))


async def _add(context: Context, claims: ServiceClaims, tried: Tried, visit: Visit) -> Verified:
    """Adds to the account of the session that asked. The code is used up only then, so that one that came while membership was away
    can be typed again."""
    proved = Proved(tried.kind, tried.digest, tried.value)
    async with context.database.transaction(claims.store) as tx:
        customer_id = (await session_of(tx, claims.store, visit.earlier)).login_method.customer_id
    if customer_id != tried.adding_to:
        raise InvalidInput.of("code", "code_gone")
    outcome, version = await context.membership.add_identifier(claims, customer_id, proved)
    async with context.database.transaction(claims.store) as tx:
        await logins.hold_owners(tx, claims.store, [customer_id])
        await session_of(tx, claims.store, visit.earlier)
        if not await codes.use(tx, claims.store, tried.code_id):
            raise InvalidInput.of("code", "code_gone")
        if outcome is Added.RETIRED:
            raise StateConflict("identifier_retired")
        if outcome is Added.HELD:
            return Verified(Outcome.HELD)
        [added] = await add_logins(tx, claims.store, customer_id, [proved], tell=True, version=version)
    return Verified(Outcome.ADDED, added=added)


async def follow_link(context: Context, claims: ServiceClaims, text: str, browser: str) -> Proved:
    """Takes the link of a mail, or of an invitation, as the proof of its address, for the first browser that opens it and for that alone.

    Raises NotFound (confirmation_refused), in the same words for every cause.
    """
    digest, token = browser_digest(browser), tokens.read(text)
    if token is None or token.purpose not in _LINKS or token.store_id != claims.store:
        raise NotFound("confirmation_refused")
    async with context.database.transaction(claims.store) as tx:
        proved = await _LINKS[token.purpose](tx, claims.store, token.digest, digest)
        if proved is None:
            raise NotFound("confirmation_refused")
        _, state = await proving.hold_method(tx, claims.store, proved.kind, proved.digest) or (None, None)
        if state is LoginState.RETIRED:
            raise NotFound("confirmation_refused")
        await proofs.put(tx, claims.store, digest, proved)
    return proved


def _keyed(context: Context, code_id: UUID, code: str) -> bytes:
    """A million codes are tried out in no time, so what is kept of one needs a key that is not in the database."""
    return context.identifiers.digest("login_code", f"{code_id}:{code}")
