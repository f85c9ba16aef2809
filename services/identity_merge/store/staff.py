"""Staff and invitations in the database. All expiry is reckoned by the database's clock (fault 28)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.contact import comparable_email
from services.common.outbox import Event
from services.common.paging import PageRequest
from services.identity_merge.domain.access import StaffMember, StaffRole
from services.identity_merge.domain.staff import INVITATION_LIFETIME, RESET_LIFETIME, Entry, Invitation


async def list_entries(tx: AsyncConnection, store_id: UUID, page: PageRequest) -> Sequence[Entry]:
    """Staff and invitations to join, by name; one more than the page holds."""
    name, entry_id = page.after or ("", UUID(int=0))
    parameters = {"store_id": store_id, "name": name, "entry_id": entry_id, "most": page.size + 1}
    return [_entry(row) for row in await tx.execute(_LIST, parameters)]


_ENTRIES = """SELECT p.name, p.staff_id AS entry_id, p.email, p.role, false AS invited, NULL AS expires_at, p.created_at AS joined_at,
  (SELECT max(x.last_seen) FROM staff_sessions x WHERE x.store_id = p.store_id AND x.staff_id = p.staff_id) AS last_seen,
  EXISTS (SELECT FROM staff_totp t WHERE t.store_id = p.store_id AND t.staff_id = p.staff_id AND t.confirmed_at IS NOT NULL) AS totp
  FROM staff p WHERE p.store_id = :store_id AND p.removed_at IS NULL"""
_LIST = text(
    f"""SELECT * FROM ({_ENTRIES}
  UNION ALL SELECT name, invitation_id, email, role, true, expires_at, NULL, NULL, false FROM staff_invitations
  WHERE store_id = :store_id AND staff_id IS NULL) AS e
 WHERE (name, entry_id) > (:name, CAST(:entry_id AS uuid)) ORDER BY name, entry_id LIMIT :most"""
)
_ONE = text(f"{_ENTRIES} AND p.staff_id = :staff_id")


def _entry(row: Row[Any]) -> Entry:
    member = StaffMember(row.entry_id, row.email, row.name, StaffRole(row.role))
    if row.invited:
        return Entry(member, invitation_id=row.entry_id, expires_at=row.expires_at)
    return Entry(member, joined_at=row.joined_at, last_seen=row.last_seen, totp=row.totp)


async def load_entry(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> Entry | None:
    """A member of staff as the list shows them."""
    row = (await tx.execute(_ONE, {"store_id": store_id, "staff_id": staff_id})).first()
    return _entry(row) if row else None


async def hold_owners(tx: AsyncConnection, store_id: UUID) -> set[UUID]:
    """The store's owners; held, so that two who take that from one another come one after the other."""
    return {row.staff_id for row in await tx.execute(_HOLD_OWNERS, {"store_id": store_id})}


_HOLD_OWNERS = text(
    """SELECT staff_id FROM staff WHERE store_id = :store_id AND role = 1 AND removed_at IS NULL
 ORDER BY staff_id FOR NO KEY UPDATE"""
)


async def hold(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> tuple[StaffMember, str] | None:
    """A member of staff, held, and the password's hash; None for who has left."""
    row = (await tx.execute(_HOLD, {"store_id": store_id, "staff_id": staff_id})).first()
    return (StaffMember(row.staff_id, row.email, row.name, StaffRole(row.role)), row.password_hash) if row else None


_HOLD = text(
    """SELECT staff_id, email, name, role, password_hash FROM staff
 WHERE store_id = :store_id AND staff_id = :staff_id AND removed_at IS NULL FOR NO KEY UPDATE"""
)


async def change(tx: AsyncConnection, store_id: UUID, member: StaffMember) -> None:
    """Writes name and role."""
    await tx.execute(_CHANGE, {"store_id": store_id, "id": member.staff_id, "name": member.name, "role": member.role})


_CHANGE = text("UPDATE staff SET name = :name, role = :role WHERE store_id = :store_id AND staff_id = :id")


async def set_password(tx: AsyncConnection, store_id: UUID, staff_id: UUID, password_hash: str) -> None:
    """Writes another password. Log-ins that have seen the former one come to nothing."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "password_hash": password_hash}
    await tx.execute(_SET_PASSWORD, parameters)


_SET_PASSWORD = text(
    "UPDATE staff SET password_hash = :password_hash WHERE store_id = :store_id AND staff_id = :staff_id"
)


async def remove(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> None:
    """Ends somebody's access; the row keeps the name. Their address may be invited again."""
    parameters = {"store_id": store_id, "staff_id": staff_id, "nobodys": f"removed {staff_id}"}
    for statement in (_REMOVE, _REMOVE_RESETS):
        await tx.execute(statement, parameters)


_REMOVE = text(
    """UPDATE staff SET removed_at = now(), email_key = :nobodys, password_hash = ''
 WHERE store_id = :store_id AND staff_id = :staff_id"""
)
_REMOVE_RESETS = text("DELETE FROM staff_invitations WHERE store_id = :store_id AND staff_id = :staff_id")


async def has_left(tx: AsyncConnection, store_id: UUID, staff_id: UUID) -> bool:
    """Whether somebody of that id worked for the store once."""
    return await tx.scalar(_HAS_LEFT, {"store_id": store_id, "staff_id": staff_id}) is not None


_HAS_LEFT = text("SELECT 1 FROM staff WHERE store_id = :store_id AND staff_id = :staff_id AND removed_at IS NOT NULL")


async def put_invitation(
    tx: AsyncConnection, store_id: UUID, invitation: Invitation, invited_by: str, events: Sequence[Event]
) -> None:
    """Writes an invitation in the place of the address's earlier one, and its events; neither where there are no events.

    One statement all the same, so that nobody's address takes as long as somebody's.
    """
    lifetime: timedelta = RESET_LIFETIME if invitation.staff_id else INVITATION_LIFETIME
    parameters = {
        **outbox.columns(store_id, events),
        "invitation_id": invitation.invitation_id,
        "email": invitation.email,
        "email_key": comparable_email(invitation.email),
        "name": invitation.name,
        "role": invitation.role,
        "staff_id": invitation.staff_id,
        "invited_by": invited_by,
        "lifetime": lifetime,
        "wanted": bool(events),
    }
    await tx.execute(_PUT_INVITATION, parameters)


_PUT_INVITATION = text(
    f"""WITH put AS (INSERT INTO staff_invitations
  (store_id, invitation_id, email, email_key, name, role, staff_id, invited_by, expires_at)
  SELECT CAST(:store_id AS uuid), CAST(:invitation_id AS uuid), CAST(:email AS text), CAST(:email_key AS text), CAST(:name AS text),
   CAST(:role AS smallint), CAST(:staff_id AS uuid), CAST(:invited_by AS text), now() + CAST(:lifetime AS interval)
   WHERE CAST(:wanted AS boolean)
  ON CONFLICT (store_id, email_key) DO UPDATE SET invitation_id = excluded.invitation_id, email = excluded.email, name = excluded.name,
   role = excluded.role, staff_id = excluded.staff_id, invited_by = excluded.invited_by, token_digest = NULL, created_at = now(),
   expires_at = excluded.expires_at)
 {outbox.INSERT}"""
)


async def find_invitation(
    tx: AsyncConnection, store_id: UUID, *, invitation_id: UUID | None = None, digest: bytes | None = None
) -> Invitation | None:
    """An invitation by its id, run out or not, or by its token's digest while it is good; held."""
    parameters = {"store_id": store_id, "invitation_id": invitation_id, "digest": digest}
    row = (await tx.execute(_FIND_BY_ID if digest is None else _FIND_BY_TOKEN, parameters)).first()
    if row is None:
        return None
    return Invitation(row.invitation_id, row.email, row.name, StaffRole(row.role), row.expires_at, row.staff_id)


_FIND = (
    "SELECT invitation_id, email, name, role, expires_at, staff_id FROM staff_invitations WHERE store_id = :store_id"
)
_FIND_BY_ID = text(f"{_FIND} AND invitation_id = :invitation_id FOR UPDATE")
_FIND_BY_TOKEN = text(f"{_FIND} AND token_digest = :digest AND expires_at > now() FOR UPDATE")


async def give_token(tx: AsyncConnection, store_id: UUID, invitation_id: UUID, digest: bytes) -> bool:
    """Makes this the invitation's token; False when the invitation has ended."""
    parameters = {"store_id": store_id, "invitation_id": invitation_id, "digest": digest}
    return (await tx.execute(_GIVE_TOKEN, parameters)).rowcount > 0


_GIVE_TOKEN = text(
    """UPDATE staff_invitations SET token_digest = :digest
 WHERE store_id = :store_id AND invitation_id = :invitation_id AND expires_at > now()"""
)


async def end_invitation(tx: AsyncConnection, store_id: UUID, invitation_id: UUID) -> None:
    """Deletes an invitation."""
    await tx.execute(_END_INVITATION, {"store_id": store_id, "invitation_id": invitation_id})


_END_INVITATION = text("DELETE FROM staff_invitations WHERE store_id = :store_id AND invitation_id = :invitation_id")
