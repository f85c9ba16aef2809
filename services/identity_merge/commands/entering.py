"""Staff log in, in one step or two, and out (H1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.errors import InvalidInput, Unauthenticated
from services.common.identifiers import EMAIL
from services.common.ids import NIL
from services.common.outbox import Event
from services.identity_merge import events
from services.identity_merge.commands import Context, vouching
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import LONGEST_PASSWORD, StaffMember, Store, is_slug
from services.identity_merge.domain.staff import Browser, email_key_of
from services.identity_merge.store import access, staff, staff_sessions
from services.identity_merge.store.access import Credentials

MOST_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Entered:
    """A log-in: a session of 14 days, or without `expires_at` its second step to come. The token is known to nobody else."""

    token: str
    expires_at: datetime | None
    store: Store
    staff: StaffMember


async def log_in(context: Context, slug: str, email: str, password: str, browser: Browser) -> Entered:
    """Begins a session, or its second step. Raises Unauthenticated (login_refused), in the same words and time for every cause.

    A store that does not exist takes the same path as one that does. After MOST_ATTEMPTS within 15 minutes under one
    e-mail even the right password is refused, until the window ends.
    """
    email_key = email_key_of(email)
    subject = context.identifiers.digest(EMAIL, email_key or email[:320])
    async with context.database.across_stores() as tx:
        known_store = await access.find_store(tx, slug if is_slug(slug) else "")
    store_id = known_store.store_id if known_store else NIL
    async with context.database.transaction(store_id) as tx:
        attempts = await access.count_attempt(tx, store_id, subject)
        found = await access.find_staff(tx, store_id, email_key)
    judged = found if attempts <= MOST_ATTEMPTS else None
    right = await context.passwords.verify(judged.password_hash if judged else None, password[:LONGEST_PASSWORD])
    if not right or known_store is None or judged is None:
        await _note_refusal(context, store_id, subject, found, attempts)
        raise Unauthenticated("login_refused")
    async with context.database.transaction(store_id) as tx:
        entered = await enter(tx, known_store, judged, browser)
        await access.forget_attempts(tx, store_id, subject)
    return await _entered(context, entered, browser)


async def _note_refusal(
    context: Context, store_id: UUID, subject: bytes, found: Credentials | None, attempts: int
) -> None:
    """Notes that somebody was refused as a member of staff, until the attempts are used up: nobody fills the log from outside.

    The same steps, a write among them, where there is nobody to note it of.
    """
    told = []
    if found and attempts <= MOST_ATTEMPTS + 1:
        told = [_noted("visitor", "staff.login_refused", found.member, audit.change("attempts", "", attempts))]
    async with context.database.transaction(store_id) as tx:
        await access.touch_attempts(tx, store_id, subject)
        await outbox.add(tx, store_id, told, even_none=True)
    context.waker.wake()


def _noted(actor: str, action: str, member: StaffMember, *changes: audit.Change | None) -> Event:
    return events.noted(actor, action, "staff", member.staff_id, changes)


async def enter(tx: AsyncConnection, store: Store, who: Credentials, browser: Browser) -> Entered:
    """Lets in whose password was right: into a session, or to the second step. Raises Unauthenticated when it was changed meanwhile."""
    token = tokens.mint(tokens.CHALLENGE if who.totp else tokens.SESSION, store.store_id)
    place = (store.store_id, tokens.digest(token), who.member.staff_id, who.password_hash)
    if who.totp:
        await staff_sessions.challenge(tx, *place)
        return Entered(token, None, store, who.member)
    ends = await staff_sessions.begin(tx, *place, browser.agent)
    if ends is None:
        raise Unauthenticated("login_refused")
    browser_is = audit.change("browser", "", browser.agent)
    noted = _noted(f"staff:{who.member.staff_id}", "staff.logged_in", who.member, browser_is)
    await outbox.add(tx, store.store_id, [noted])
    return Entered(token, ends, store, who.member)


async def log_in_with_totp(context: Context, challenge: str, code: str, browser: Browser) -> Entered:
    """The second step. Raises InvalidInput (totp_wrong, with `left` tries), StateConflict (too_many_tries),
    Unauthenticated (login_refused) once the challenge has ended."""
    token = tokens.read(challenge)
    if token is None or token.purpose != tokens.CHALLENGE:
        raise Unauthenticated("login_refused")
    async with context.database.transaction(token.store_id) as tx:
        left, entered = await _second_step(tx, context, token, code, browser)
    if entered:
        return await _entered(context, entered, browser)
    if not left:
        raise Unauthenticated("login_refused")
    raise InvalidInput.of("code", "totp_wrong", left=str(left))


async def _second_step(
    tx: AsyncConnection, context: Context, token: tokens.Token, code: str, browser: Browser
) -> tuple[int, Entered | None]:
    """Tries that are left, and the session if the code was right. The try is counted whatever comes of it."""
    staff_id = await staff_sessions.challenged(tx, token.store_id, token.digest)
    # Held before the challenge: a new password holds them in the same order.
    held = await staff.hold(tx, token.store_id, staff_id) if staff_id else None
    left = await staff_sessions.try_challenge(tx, token.store_id, token.digest) if held else None
    if held is None or left is None:
        return 0, None
    member, password_hash = held
    if not await vouching.judge(tx, context, token.store_id, member.staff_id, code):
        wrong = audit.change("second_factor", "", "wrong")
        await outbox.add(tx, token.store_id, [_noted("visitor", "staff.login_refused", member, wrong)])
        return left, None
    await staff_sessions.end_challenge(tx, token.store_id, token.digest)
    store = await access.load_store(tx, token.store_id)
    return left, await enter(tx, store, Credentials(member, password_hash, totp=False), browser)


async def _entered(context: Context, entered: Entered, browser: Browser) -> Entered:
    """A session takes the place of the one that the browser had, whoever had put it there."""
    context.waker.wake()
    if entered.expires_at and browser.session_token:
        await log_out(context, browser.session_token)
    return entered


async def log_out(context: Context, credential: str) -> None:
    """Ends a session; anything else is no error."""
    token = tokens.read(credential)
    if token and token.purpose == tokens.SESSION:
        async with context.database.transaction(token.store_id) as tx:
            await staff_sessions.end(tx, token.store_id, token.digest)
