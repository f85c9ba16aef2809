"""What members of staff change about themselves: name, password, second factor, sessions (H1)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyotp
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.errors import InvalidInput, StateConflict, Unauthenticated
from services.common.ids import parse_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context, vouching
from services.identity_merge.commands.entering import Entered
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import StaffMember
from services.identity_merge.domain.callers import me
from services.identity_merge.domain.staff import hints_of, make_recovery_codes, read_name
from services.identity_merge.store import access, second_factor, staff, staff_sessions


@dataclass(frozen=True, slots=True)
class Secret:
    """A new second factor: the secret in Base32, and as authenticator apps read it from a picture."""

    secret: str
    uri: str


async def change_name(context: Context, claims: ServiceClaims, name: str) -> StaffMember:
    """Raises PermissionDenied, InvalidInput (required, too_long)."""
    staff_id, name = me(claims), read_name(name)
    async with context.database.transaction(claims.store) as tx:
        held = await staff.hold(tx, claims.store, staff_id)
        if held is None:
            raise Unauthenticated("credential_refused")
        member = replace(held[0], name=name)
        await staff.change(tx, claims.store, member)
        await _note(tx, claims, "staff.changed", audit.change("name", held[0].name, name))
    context.waker.wake()
    return member


async def _note(tx: AsyncConnection, claims: ServiceClaims, action: str, *changes: audit.Change | None) -> None:
    await outbox.add(tx, claims.store, [events.noted(claims.actor, action, "staff", me(claims), changes)])


async def change_password(context: Context, claims: ServiceClaims, credential: str, current: str, new: str) -> Entered:
    """Sets the password; the caller's session goes on under a new token, all others end.

    Raises PermissionDenied, InvalidInput (password_wrong, weak_password, guessable_password, too_long), StateConflict (too_many_tries),
    Unauthenticated (credential_refused) when the session is not the caller's.
    """
    staff_id, token = me(claims), tokens.read(credential)
    if token is None or token.purpose != tokens.SESSION or token.store_id != claims.store:
        raise Unauthenticated("credential_refused")
    await vouching.vouch(context, claims.store, staff_id, current, "current_password")
    async with context.database.transaction(claims.store) as tx:
        store, entry = await access.load_store(tx, claims.store), await staff.load_entry(tx, claims.store, staff_id)
    if entry is None:
        raise Unauthenticated("credential_refused")
    password_hash = await vouching.hash_new(context, new, "new_password", hints_of(store, entry.member))
    fresh = tokens.mint(tokens.SESSION, claims.store)
    async with context.database.transaction(claims.store) as tx:
        await staff.set_password(tx, claims.store, staff_id, password_hash)
        ends = await staff_sessions.renew(tx, claims.store, staff_id, token.digest, tokens.digest(fresh))
        if ends is None:
            raise Unauthenticated("credential_refused")
        await staff_sessions.end_all(tx, claims.store, staff_id, but=tokens.digest(fresh))
        await _note(tx, claims, "staff.password_changed")
    context.waker.wake()
    return Entered(fresh, ends, store, entry.member)


async def end_sessions(context: Context, claims: ServiceClaims, credential: str, session_id: str) -> int:
    """Ends one of the caller's sessions, or with an empty id all but the one of the credential; how many. Raises PermissionDenied."""
    staff_id, token = me(claims), tokens.read(credential)
    async with context.database.transaction(claims.store) as tx:
        if session_id:
            ended = await staff_sessions.end_one(tx, claims.store, staff_id, parse_id(session_id, "session_id"))
        else:
            ended = await staff_sessions.end_all(tx, claims.store, staff_id, but=token.digest if token else b"")
        if ended:
            await _note(tx, claims, "staff.sessions_ended", audit.change("sessions", ended, 0))
    context.waker.wake()
    return ended


async def begin_totp(context: Context, claims: ServiceClaims, password: str) -> Secret:
    """A new secret, which counts once a code of it was seen.

    Raises PermissionDenied, InvalidInput (password_wrong), StateConflict (totp_on, too_many_tries).
    """
    staff_id = me(claims)
    await vouching.vouch(context, claims.store, staff_id, password, "password")
    secret = pyotp.random_base32()
    sealed = context.sealer.seal(secret, vouching.sealed_for(claims.store, staff_id))
    async with context.database.transaction(claims.store) as tx:
        if not await second_factor.put(tx, claims.store, staff_id, sealed):
            raise StateConflict("totp_on")
        store, entry = await access.load_store(tx, claims.store), await staff.load_entry(tx, claims.store, staff_id)
    name = entry.member.email if entry else ""
    return Secret(secret, pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=f"Onefold {store.slug}"))


async def confirm_totp(context: Context, claims: ServiceClaims, code: str) -> list[str]:
    """Turns the second factor on; its recovery codes, which are kept nowhere.

    Raises PermissionDenied, InvalidInput (totp_wrong), StateConflict (totp_not_begun, totp_on, too_many_tries).
    """
    staff_id = me(claims)
    async with context.database.transaction(claims.store) as tx:
        factor = await second_factor.hold(tx, claims.store, staff_id)
        if factor is None or factor.on:
            raise StateConflict("totp_on" if factor else "totp_not_begun")
        right = await vouching.judge(tx, context, claims.store, staff_id, code)
        codes = make_recovery_codes() if right else []
        kept = [vouching.recovery_digest(context, staff_id, each.replace("-", "")) for each in codes]
        await second_factor.put_recovery_codes(tx, claims.store, staff_id, kept)
        if right:
            await _note(tx, claims, "staff.totp_on")
    context.waker.wake()
    if not right:  # outside, for the try is counted all the same
        raise InvalidInput.of("code", "totp_wrong")
    return codes


async def end_totp(context: Context, claims: ServiceClaims, password: str, code: str) -> None:
    """Turns the second factor off, by both factors. Raises PermissionDenied, InvalidInput (password_wrong, totp_wrong), StateConflict."""
    staff_id = me(claims)
    await vouching.vouch(context, claims.store, staff_id, password, "password")
    async with context.database.transaction(claims.store) as tx:
        right = await vouching.judge(tx, context, claims.store, staff_id, code)
        if right:
            await second_factor.end(tx, claims.store, staff_id)
            await _note(tx, claims, "staff.totp_off")
    context.waker.wake()
    if not right:
        raise InvalidInput.of("code", "totp_wrong")
