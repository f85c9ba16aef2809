"""Stores and API keys."""

from __future__ import annotations

from dataclasses import replace

from services.common import audit, outbox
from services.common.contact import comparable_email
from services.common.errors import AlreadyExists
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain.access import (
    Founding,
    StaffMember,
    StaffRole,
    Store,
)
from services.identity_merge.domain.staff import hints_of, read_staff_password
from services.identity_merge.store import access as store


async def create_store(context: Context, claims: ServiceClaims, founding: Founding) -> tuple[Store, StaffMember]:
    """Makes a store and its owner. Raises InvalidInput, AlreadyExists (store_exists, naming store_id)."""
    founding = founding.checked()
    new = replace(founding.store, store_id=new_id(), version=1)
    owner = StaffMember(new_id(), founding.owner_email, founding.owner_name, StaffRole.OWNER)
    read_staff_password(founding.owner_password, "owner_password", hints_of(new, owner))
    password_hash = await context.passwords.hash(founding.owner_password)
    async with context.database.transaction(new.store_id) as tx:
        if not await store.add_store(tx, new):
            known = await store.find_store(tx, new.slug)
            raise AlreadyExists("store_exists", store_id=str(known.store_id) if known else "")
        await store.add_staff(tx, new.store_id, owner, comparable_email(owner.email), password_hash)
        await outbox.add(tx, new.store_id, [events.store_changed(new), _founded(claims, new, owner)])
    context.waker.wake()
    return new, owner


def _founded(claims: ServiceClaims, new: Store, owner: StaffMember) -> Event:
    names = ("slug", "name", "region", "currency", "timezone", "language")
    changes = [audit.change(name, "", getattr(new, name)) for name in names]
    changes.append(audit.change("owner", "", owner.email))
    return events.noted(claims.actor, "store.created", "store", new.store_id, changes)
