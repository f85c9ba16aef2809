"""Editing a person's profile, and a member's phone (C4, C5)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.contact import parse_mobile
from services.common.errors import Internal, InvalidInput, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.identifiers import EMAIL, PHONE
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    Consent,
    Customer,
    Hold,
    Identifier,
    ProfileChange,
    Status,
    changed,
    check_live,
    check_version,
    search_text,
)


async def change_profile(
    context: Context,
    claims: ServiceClaims,
    once: Once[Customer],
    customer_id: UUID,
    expected_version: int,
    asked: ProfileChange,
) -> Customer:
    """Changes what is asked of the customer behind any id it ever had; the customer as it is then (C4).

    Raises InvalidInput (login_not_editable, identifier_taken, identifier_retired, …), NotFound, StateConflict (customer_gone,
    being_removed), Conflict (stale_version), Replayed.
    """
    now = clock.now()
    change = ProfileChange.read(asked, claims.region, now.astimezone(ZoneInfo(claims.timezone)).date())
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        customer = await held(tx, claims.store, customer_id)
        check_version(customer, expected_version)
        new, fields = changed(customer, change)
        if fields:
            if customer.status is Status.MEMBER:
                filled = [_identifier(context, kind, getattr(new, kind)) for kind in (PHONE, EMAIL) if kind in fields]
                await _take(tx, claims.store, new.customer_id, filled)
            await store.note_change(tx, claims.store, new.customer_id, fields, claims.actor, now)
            await save(tx, claims.store, new, fields, now, _profile_noted(claims, customer, new, fields))
        saved = await once.finish(tx, await _whole(tx, claims.store, new.customer_id))
    context.wake()
    return saved


async def change_phone(
    context: Context,
    claims: ServiceClaims,
    once: Once[Customer],
    customer_id: UUID,
    expected_version: int,
    phone: str,
    consent: Consent,
) -> Customer:
    """Gives a member another phone, with the consent recorded (C5). The old one is freed: only merged and erased accounts retire
    theirs, and a number that somebody has given up may be another person's tomorrow.

    Raises as `change_profile`, and StateConflict (not_a_member), InvalidInput (required, same_phone).
    """
    phone = parse_mobile(phone, claims.region)
    if not phone:
        raise InvalidInput.of("phone", "required")
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        now = clock.now()
        customer = await held(tx, claims.store, customer_id)
        check_version(customer, expected_version)
        await _swap(context, tx, claims.store, customer, phone)
        noted = _phone_noted(claims, customer, phone, consent)
        await store.add_consent(tx, claims.store, customer, phone, consent, claims.actor, now)
        customer.phone = phone
        await save(tx, claims.store, customer, [PHONE], now, noted)
        saved = await once.finish(tx, await _whole(tx, claims.store, customer.customer_id))
    context.wake()
    return saved


async def held(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer:
    """The live customer behind an id, whole, its row held against other changes.

    Raises NotFound (customer_not_found), StateConflict (customer_gone, being_removed).
    """
    owner = await store.lock_owner(tx, store_id, customer_id)
    if owner is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    check_live(owner)
    if await store.being_removed(tx, store_id, [owner.customer_id]):
        raise StateConflict("being_removed", customer_id=str(owner.customer_id))
    return await _whole(tx, store_id, owner.customer_id)


async def _swap(context: Context, tx: AsyncConnection, store_id: UUID, customer: Customer, phone: str) -> None:
    if customer.status is not Status.MEMBER:
        raise StateConflict("not_a_member", customer_id=str(customer.customer_id))
    if phone == customer.phone:
        raise InvalidInput.of("phone", "same_phone")
    new = _identifier(context, PHONE, phone)
    if customer.phone:
        old = _identifier(context, PHONE, customer.phone)
        await store.hold_identifiers(tx, store_id, [old, new])
        await store.free_identifier(tx, store_id, customer.customer_id, old)
    if (PHONE, phone) not in customer.identifiers:  # else one of the member's further ones becomes the main one
        await _take(tx, store_id, customer.customer_id, [new])


async def _take(tx: AsyncConnection, store_id: UUID, customer_id: UUID, identifiers: list[Identifier]) -> None:
    """Makes the identifiers the member's. Raises InvalidInput (identifier_taken, identifier_retired)."""
    await store.hold_identifiers(tx, store_id, identifiers)
    for identifier in identifiers:
        if not await store.take_identifier(tx, store_id, customer_id, identifier):
            [holder] = await store.holders_of(tx, store_id, [identifier])
            raise InvalidInput.of(
                identifier.kind, "identifier_taken" if holder.hold is Hold.LIVE else "identifier_retired"
            )


async def save(
    tx: AsyncConnection, store_id: UUID, new: Customer, fields: list[str], now: datetime, noted: Event
) -> None:
    """The caller has given the member its identifiers already, if any are new. `noted` goes out with the news."""
    new.version += 1
    owned = await store.owned_identifiers(tx, store_id, new.customer_id)
    new.identifiers = [(each.kind, each.value) for each in owned]
    await store.save_profile(tx, store_id, new, search_text(new.name, new.phone, new.email, new.further), now)
    news = [noted]
    if new.status is Status.MEMBER:
        news.append(events.member_changed(new, owned, fields))
    await outbox.add(tx, store_id, news)


def _profile_noted(claims: ServiceClaims, old: Customer, new: Customer, fields: list[str]) -> Event:
    """All but the language is personal, and erased one day (C12)."""
    changes = [
        (audit.change if field == "language" else audit.hidden)(field, getattr(old, field), getattr(new, field))
        for field in fields
    ]
    return events.noted(claims.actor, "customer.profile_changed", "customer", new.customer_id, changes)


def _phone_noted(claims: ServiceClaims, customer: Customer, phone: str, consent: Consent) -> Event:
    changes = [
        audit.hidden(PHONE, customer.phone, phone),
        audit.change("consent", "", consent.given),
        audit.hidden("note", "", consent.note),
    ]
    return events.noted(claims.actor, "customer.phone_changed", "customer", customer.customer_id, changes)


async def _whole(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer:
    found = await store.load_whole(tx, store_id, customer_id)
    if found is None:
        raise Internal("internal", "a customer whose row is held is gone")
    return found


def _identifier(context: Context, kind: str, value: str) -> Identifier:
    return Identifier(kind, value, context.hasher.digest(kind, value))
