"""What proves that a member of staff is who they are: the password, and codes of the second factor (RFC 6238). Each try is counted."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import pyotp
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.errors import InvalidInput, StateConflict
from services.identity_merge.commands import Context
from services.identity_merge.domain.access import LONGEST_PASSWORD
from services.identity_merge.domain.staff import TOTP_DIGITS, read_staff_password, read_totp
from services.identity_merge.store import access, second_factor, staff

MOST_PASSWORDS = 10
# Three codes in a million are right at any time: this leaves whoever knows the password a chance of 1 in 17,000 a day.
MOST_CODES, CODES_WINDOW = 20, timedelta(days=1)
# Codes of the step before and the one after are taken, for clocks that are a little off.
_STEPS_OFF = 1


async def hash_new(context: Context, password: str, field: str, hints: Sequence[str]) -> str:
    """What to keep of a new password. Raises InvalidInput (weak_password, too_long, guessable_password)."""
    read_staff_password(password, field, hints)
    if not await context.passwords.is_strong(password, hints):
        raise InvalidInput.of(field, "guessable_password")
    return await context.passwords.hash(password)


async def vouch(context: Context, store_id: UUID, staff_id: UUID, password: str, field: str) -> None:
    """Whether the password is that of a member who is logged in. Raises InvalidInput (password_wrong), StateConflict (too_many_tries)."""
    subject = context.identifiers.digest("staff_password", str(staff_id))
    async with context.database.transaction(store_id) as tx:
        if await access.count_attempt(tx, store_id, subject) > MOST_PASSWORDS:
            raise StateConflict("too_many_tries")
        held = await staff.hold(tx, store_id, staff_id)
    if not await context.passwords.verify(held[1] if held else None, password[:LONGEST_PASSWORD]):
        raise InvalidInput.of(field, "password_wrong")
    async with context.database.transaction(store_id) as tx:
        await access.forget_attempts(tx, store_id, subject)


async def judge(tx: AsyncConnection, context: Context, store_id: UUID, staff_id: UUID, text: str) -> bool:
    """Whether this is a code of somebody's second factor, which then is good no more. Raises StateConflict (too_many_tries)."""
    subject = context.identifiers.digest("staff_totp", str(staff_id))
    if await access.count_attempt(tx, store_id, subject, CODES_WINDOW) > MOST_CODES:
        raise StateConflict("too_many_tries")
    code = read_totp(text)
    if len(code) == TOTP_DIGITS:
        right = await _is_of_app(tx, context, store_id, staff_id, code)
    else:
        digest = recovery_digest(context, staff_id, code)
        right = bool(code) and await second_factor.use_recovery_code(tx, store_id, staff_id, digest)
    if right:
        await access.forget_attempts(tx, store_id, subject)
    return right


async def _is_of_app(tx: AsyncConnection, context: Context, store_id: UUID, staff_id: UUID, code: str) -> bool:
    factor = await second_factor.hold(tx, store_id, staff_id)
    if factor is None:
        return False
    totp = pyotp.TOTP(context.sealer.open(factor.sealed, sealed_for(store_id, staff_id)))
    newest = int(factor.now) // totp.interval
    for step in range(max(newest - _STEPS_OFF, factor.last_step + 1), newest + _STEPS_OFF + 1):
        if hmac.compare_digest(totp.generate_otp(step), code):
            await second_factor.use_step(tx, store_id, staff_id, step)
            return True
    return False


def sealed_for(store_id: UUID, staff_id: UUID) -> str:
    """What a secret is sealed in with: in another row it does not open."""
    return f"staff_totp/{store_id}/{staff_id}"


def recovery_digest(context: Context, staff_id: UUID, code: str) -> bytes:
    """What is kept of a recovery code, written without its hyphen."""
    return context.identifiers.digest("recovery_code", f"{staff_id}:{code}")
