"""Owners say who works for the store, and as what (H1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.contact import comparable_email
from services.common.errors import AlreadyExists, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import NIL
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain.access import StaffMember, StaffRole
from services.identity_merge.domain.callers import me
from services.identity_merge.domain.staff import Entry, Invitation, read_name, read_role
from services.identity_merge.store import access, second_factor, staff, staff_sessions

# Mails that an owner, or whoever sits at an owner's screen, can have sent.
MOST_TO_ONE, MOST_OF_STORE, _WINDOW = 10, 100, timedelta(days=1)

# What is done to an invitation, which nobody on the staff has accepted.
_OF_INVITATIONS = ("staff.invited", "staff.invitation_withdrawn")


async def invite(context: Context, claims: ServiceClaims, once: Once[Entry], asked: Invitation) -> Entry:
    """Has an invitation mailed, in the place of the address's earlier one.

    Raises AlreadyExists (staff_exists), StateConflict (too_many_invitations), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await _count(tx, context, claims.store, asked.email)
        if await access.find_staff(tx, claims.store, comparable_email(asked.email)):
            raise AlreadyExists("staff_exists")
        store = await access.load_store(tx, claims.store)
        inviter = await staff.load_entry(tx, claims.store, me(claims))
        by = inviter.member.name if inviter else ""
        invited = events.staff_invited(asked, by, store.language)
        noted = _noted(
            claims, "staff.invited", None, StaffMember(asked.invitation_id, asked.email, asked.name, asked.role)
        )
        await staff.put_invitation(tx, claims.store, asked, claims.actor, [invited, noted])
        entry = await once.finish(tx, await _invited(tx, claims.store, asked))
    context.waker.wake()
    return entry


async def _count(tx: AsyncConnection, context: Context, store_id: UUID, email: str) -> None:
    for subject, most in ((f"to:{comparable_email(email)}", MOST_TO_ONE), ("all", MOST_OF_STORE)):
        digest = context.identifiers.digest("staff_invitation", subject)
        if await access.count_attempt(tx, store_id, digest, _WINDOW) > most:
            raise StateConflict("too_many_invitations")


async def _invited(tx: AsyncConnection, store_id: UUID, asked: Invitation) -> Entry:
    kept = await staff.find_invitation(tx, store_id, invitation_id=asked.invitation_id)
    member = StaffMember(asked.invitation_id, asked.email, asked.name, asked.role)
    return Entry(member, invitation_id=asked.invitation_id, expires_at=kept.expires_at if kept else None)


async def withdraw(context: Context, claims: ServiceClaims, invitation_id: UUID) -> None:
    """Ends an invitation that nobody has accepted. Raises NotFound (invitation_not_found)."""
    async with context.database.transaction(claims.store) as tx:
        found = await staff.find_invitation(tx, claims.store, invitation_id=invitation_id)
        if found is None or found.staff_id:
            raise NotFound("invitation_not_found")
        await staff.end_invitation(tx, claims.store, invitation_id)
        invited = StaffMember(invitation_id, found.email, found.name, found.role)
        await outbox.add(tx, claims.store, [_noted(claims, "staff.invitation_withdrawn", invited, None)])
    context.waker.wake()


async def change(
    context: Context, claims: ServiceClaims, once: Once[Entry], staff_id: UUID, name: str, role: int
) -> Entry:
    """Another name, another role; what is empty or 0 stays. Sessions go on.

    Raises InvalidInput, NotFound (staff_not_found), StateConflict (last_owner), Replayed.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        # Owners first and in one order, so that two at once never wait for one another in a circle.
        owners = await staff.hold_owners(tx, claims.store)
        held = await staff.hold(tx, claims.store, staff_id)
        if held is None:
            raise NotFound("staff_not_found")
        new = replace(held[0], name=read_name(name) if name else held[0].name, role=read_role(role or held[0].role))
        if new.role is not StaffRole.OWNER and owners == {staff_id}:
            raise StateConflict("last_owner")
        await staff.change(tx, claims.store, new)
        await outbox.add(tx, claims.store, [_noted(claims, "staff.changed", held[0], new)])
        entry = await staff.load_entry(tx, claims.store, staff_id)
        changed = await once.finish(tx, entry or Entry(new))
    context.waker.wake()
    return changed


async def remove(context: Context, claims: ServiceClaims, staff_id: UUID) -> None:
    """Ends somebody's access and sessions. Who is gone, or never was there, is no error.

    Raises StateConflict (last_owner).
    """
    async with context.database.transaction(claims.store) as tx:
        if await staff.hold_owners(tx, claims.store) == {staff_id}:
            raise StateConflict("last_owner")
        if held := await staff.hold(tx, claims.store, staff_id):
            await outbox.add(tx, claims.store, [_noted(claims, "staff.removed", held[0], None)])
            await staff.remove(tx, claims.store, staff_id)
            await second_factor.end(tx, claims.store, staff_id)
            await staff_sessions.end_all(tx, claims.store, staff_id)
        elif not await staff.has_left(tx, claims.store, staff_id):
            raise NotFound("staff_not_found")
    context.waker.wake()


async def reset_totp(context: Context, claims: ServiceClaims, staff_id: UUID) -> None:
    """Turns off the second factor of somebody else who has lost it, and ends their sessions: whoever found it may have one.

    Raises NotFound (staff_not_found), StateConflict (own_totp): one's own takes password and code.
    """
    if staff_id == me(claims):
        raise StateConflict("own_totp")
    async with context.database.transaction(claims.store) as tx:
        if await staff.hold(tx, claims.store, staff_id) is None:
            raise NotFound("staff_not_found")
        await second_factor.end(tx, claims.store, staff_id)
        await staff_sessions.end_all(tx, claims.store, staff_id)
        noted = events.noted(claims.actor, "staff.totp_reset", "staff", staff_id)
        await outbox.add(tx, claims.store, [noted])
    context.waker.wake()


def _noted(claims: ServiceClaims, action: str, was: StaffMember | None, now: StaffMember | None) -> Event:
    """Staff are named: who worked for a store, and as what, is what the log is for."""
    changes = [audit.change(name, getattr(was, name, ""), getattr(now, name, "")) for name in ("name", "email", "role")]
    who = was or now
    kind = "staff_invitation" if action in _OF_INVITATIONS else "staff"
    return events.noted(claims.actor, action, kind, who.staff_id if who else NIL, changes)
