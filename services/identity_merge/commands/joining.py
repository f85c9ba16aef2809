"""Invitations and forgotten passwords, from the mail to the password that is set (H1, A8)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, outbox
from services.common.contact import comparable_email
from services.common.errors import NotFound
from services.common.ids import NIL, new_id
from services.common.network import network_of
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.commands.entering import Entered, enter, log_out
from services.identity_merge.commands.vouching import hash_new
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import StaffMember, StaffRole, Store, is_slug
from services.identity_merge.domain.staff import (
    Browser,
    Invitation,
    email_key_of,
    hints_of,
    read_name,
)
from services.identity_merge.store import access, staff, staff_sessions
from services.identity_merge.store.access import Credentials

# One address may be a whole office's.
MOST_FOR_ONE, MOST_FROM_ONE, _WINDOW = 5, 30, timedelta(hours=1)


async def issue(context: Context, claims: ServiceClaims, invitation_id: UUID) -> str | None:
    """A token for the mail that is about to be sent, the only one that is good from now on; None when the invitation has ended."""
    token = tokens.mint(tokens.INVITATION, claims.store)
    async with context.database.transaction(claims.store) as tx:
        given = await staff.give_token(tx, claims.store, invitation_id, tokens.digest(token))
    return token if given else None


async def request_reset(context: Context, slug: str, email: str, source: str) -> None:
    """Has a link mailed if the address is a member of staff's. Whoever asks learns nothing: not by an answer, not by the time it takes.

    The same statements run for everybody; after MOST_FOR_ONE an hour for an address, or MOST_FROM_ONE from a network, none has an effect.
    """
    email_key = email_key_of(email)
    async with context.database.across_stores() as tx:
        known = await access.find_store(tx, slug if is_slug(slug) else "")
    store_id = known.store_id if known else NIL
    async with context.database.transaction(store_id) as tx:
        allowed = await _count(tx, context, store_id, email_key or email[:320], source)
        found = await access.find_staff(tx, store_id, email_key)
        member = found.member if found else StaffMember(NIL, email_key, "", StaffRole.SUPPORT)
        reset = Invitation(new_id(), member.email, member.name, member.role, staff_id=member.staff_id)
        wanted = events.staff_reset_requested(reset, known.language if known else "")
        await staff.put_invitation(tx, store_id, reset, "", [wanted] if allowed and found else [])
    context.waker.wake()


async def _count(tx: AsyncConnection, context: Context, store_id: UUID, email: str, source: str) -> bool:
    counted = ((f"for:{comparable_email(email)}", MOST_FOR_ONE), (f"from:{network_of(source)}", MOST_FROM_ONE))
    within = True
    for subject, most in counted:
        digest = context.identifiers.digest("staff_reset", subject)
        within = await access.count_attempt(tx, store_id, digest, _WINDOW) <= most and within
    return within


async def accept(context: Context, credential: str, name: str, password: str, browser: Browser) -> Entered:
    """Sets the password of an invitation or a reset and logs in; a reset ends all earlier sessions.

    Raises NotFound (invitation_refused), InvalidInput (required, weak_password, guessable_password, too_long).
    """
    token, store, invitation = await read(context, credential)
    if not invitation.staff_id:
        name = read_name(name)
    password_hash = await hash_new(context, password, "password", hints_of(store, invitation))
    async with context.database.transaction(token.store_id) as tx:
        held = await staff.find_invitation(tx, token.store_id, digest=token.digest)
        if held is None:
            raise NotFound("invitation_refused")
        await staff.end_invitation(tx, token.store_id, held.invitation_id)
        who = await (_reset if held.staff_id else _join)(tx, token.store_id, held, name, password_hash)
        entered = await enter(tx, store, who, browser)
    context.waker.wake()
    if entered.expires_at:
        await log_out(context, browser.session_token)
    return entered


async def read(context: Context, credential: str) -> tuple[tokens.Token, Store, Invitation]:
    """What a token is for. Raises NotFound (invitation_refused), in the same words for every cause."""
    token = tokens.read(credential)
    if token is None or token.purpose != tokens.INVITATION:
        raise NotFound("invitation_refused")
    async with context.database.transaction(token.store_id) as tx:
        invitation = await staff.find_invitation(tx, token.store_id, digest=token.digest)
        if invitation is None:
            raise NotFound("invitation_refused")
        return token, await access.load_store(tx, token.store_id), invitation


async def _join(
    tx: AsyncConnection, store_id: UUID, invitation: Invitation, name: str, password_hash: str
) -> Credentials:
    """Raises NotFound when the address joined while this invitation was being written."""
    if await access.find_staff(tx, store_id, comparable_email(invitation.email)):
        raise NotFound("invitation_refused")
    member = StaffMember(new_id(), invitation.email, name, invitation.role)
    await access.add_staff(tx, store_id, member, comparable_email(member.email), password_hash)
    changes = [audit.change(name, "", getattr(member, name)) for name in ("name", "email", "role")]
    noted = events.noted(f"staff:{member.staff_id}", "staff.joined", "staff", member.staff_id, changes)
    await outbox.add(tx, store_id, [noted])
    return Credentials(member, password_hash, totp=False)


async def _reset(
    tx: AsyncConnection, store_id: UUID, invitation: Invitation, _name: str, password_hash: str
) -> Credentials:
    """Raises NotFound when the member has left meanwhile."""
    found = await access.find_staff(tx, store_id, comparable_email(invitation.email))
    if found is None:
        raise NotFound("invitation_refused")
    staff_id = found.member.staff_id
    noted = events.noted(f"staff:{staff_id}", "staff.password_reset", "staff", staff_id)
    await outbox.add(tx, store_id, [noted])
    await staff.set_password(tx, store_id, staff_id, password_hash)
    await staff_sessions.end_all(tx, store_id, staff_id)
    return Credentials(found.member, password_hash, found.totp)
