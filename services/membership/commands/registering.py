"""Members who register themselves, and what they prove later (A3, A7)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox
from services.common.errors import Conflict, NotFound, StateConflict, Unavailable
from services.common.identifiers import EMAIL, PHONE
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.commands.profiles import held, save
from services.membership.domain import (
    REGISTRATION,
    AddOutcome,
    Asked,
    Cause,
    Customer,
    Hold,
    Identifier,
    RegisterOutcome,
    Registration,
    Status,
    StoreSettings,
    Use,
    judge_registration,
    read_identifier,
    search_text,
)

# Each lost try means that somebody else's went through; the next one sees what it did.
_TRIES = 10


class _LostError(Exception):
    """Somebody was faster: what this transaction wrote must not stay."""


async def register_member(context: Context, store_id: UUID, asked: Asked) -> tuple[RegisterOutcome, UUID | None]:
    """Makes a member of proved identifiers, and names it, or the one who has them; once per customer id (A3, A8, T, U).

    Raises InvalidInput, Conflict (idempotency_key_reused: the id is no member's), Unavailable.
    """
    for _ in range(_TRIES):
        try:
            async with context.database.transaction(store_id) as tx:
                done = await _register(context, tx, store_id, asked)
                crash.point("membership.register.before_commit")
        except _LostError:
            continue
        crash.point("membership.register.after_commit")
        context.wake()
        return done
    raise Unavailable("service_unavailable", "too many registrations of one person at once")


async def _register(
    context: Context, tx: AsyncConnection, store_id: UUID, asked: Asked
) -> tuple[RegisterOutcome, UUID | None]:
    now = clock.now()
    settings = await store.load_settings(tx, store_id, hold=True)
    today = now.astimezone(ZoneInfo(settings.timezone)).date()
    member = Registration.read(asked, context.hasher, settings.region, today)
    if known := (await store.load_many(tx, store_id, [member.customer_id])).get(member.customer_id):
        return _again(known)
    # A merge or erasure that is about to retire one of them is waited for.
    await store.hold_identifiers(tx, store_id, member.identifiers)
    outcome, owner_id = judge_registration(await store.holders_of(tx, store_id, member.identifiers))
    if owner_id == member.customer_id:
        # The same registration, sent twice at once: the other one was committed between the two looks.
        return RegisterOutcome.CREATED, owner_id
    if outcome is not RegisterOutcome.CREATED:
        return outcome, owner_id
    await _write(tx, store_id, member, settings, now)
    return outcome, member.customer_id


def _again(known: Customer) -> tuple[RegisterOutcome, UUID | None]:
    """A repeat gets the first answer while it is true. An account that was merged, deleted or erased since is not made anew."""
    if known.status is Status.GUEST:
        raise Conflict("idempotency_key_reused", "the id is a guest's")
    if known.status is Status.MEMBER:
        return RegisterOutcome.CREATED, known.customer_id
    return RegisterOutcome.RETIRED, None


async def _write(
    tx: AsyncConnection, store_id: UUID, member: Registration, settings: StoreSettings, now: datetime
) -> None:
    """The member, its first level, and the news. Raises _LostError."""
    phone, email = member.main(PHONE), member.main(EMAIL)
    further = [each.value for each in member.identifiers if each.value not in (phone, email)]
    if not await store.write_registered(tx, store_id, member, search_text(member.name, phone, email, further), now):
        raise _LostError
    actor = f"customer:{member.customer_id}"
    given = [Use(kind, True, now, actor, REGISTRATION) for kind in member.consents]
    await store.set_uses(tx, store_id, member.customer_id, given)
    told = [
        events.member_registered(member, now),
        events.noted(actor, "customer.registered", "customer", member.customer_id),
    ]
    if settings.rules.levels:
        # The lowest level may begin at nothing (B1).
        judging = store.Judging(settings.rules, settings.rules, now, settings.timezone)
        moved = await store.move_members(tx, store_id, judging, [member.customer_id], Cause.TIME, store.EARNER)
        told += [events.level_changed(move) for move in moved]
    await outbox.add(tx, store_id, told)


async def add_identifier(
    context: Context, store_id: UUID, customer_id: UUID, kind: str, value: str
) -> tuple[AddOutcome, UUID, int]:
    """Gives the member behind an id one more identifier that it has proved (A3, A7); had it before, nothing changes.

    With the outcome who that member is, and the version that told of what is new, or 0. Raises InvalidInput, NotFound
    (customer_not_found), StateConflict (not_a_member, being_removed).
    """
    async with context.database.transaction(store_id) as tx:
        settings = await store.load_settings(tx, store_id)
        identifier = read_identifier(context.hasher, kind, value, settings.region)
        member = await _member(tx, store_id, customer_id)
        before = member.version
        outcome = await _add(tx, store_id, member, identifier)
        crash.point("membership.identifier.before_commit")
    context.wake()
    return outcome, member.customer_id, 0 if member.version == before else member.version


async def _member(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> Customer:
    try:
        found = await held(tx, store_id, customer_id)
    except StateConflict as error:
        if error.reason == "customer_gone":
            raise NotFound("customer_not_found", customer_id=str(customer_id)) from error
        raise
    if found.status is not Status.MEMBER:
        raise StateConflict("not_a_member", customer_id=str(found.customer_id))
    return found


async def _add(tx: AsyncConnection, store_id: UUID, member: Customer, identifier: Identifier) -> AddOutcome:
    await store.hold_identifiers(tx, store_id, [identifier])
    while not await store.take_identifier(tx, store_id, member.customer_id, identifier):
        [holder] = await store.holders_of(tx, store_id, [identifier])
        if holder.hold is Hold.FREE:  # given up a moment ago
            continue
        if holder.hold is not Hold.LIVE:
            return AddOutcome.RETIRED
        return AddOutcome.ADDED if holder.customer_id == member.customer_id else AddOutcome.HELD
    if not getattr(member, identifier.kind):
        setattr(member, identifier.kind, identifier.value)
    changes = [audit.hidden(identifier.kind, "", identifier.value)]
    noted = events.noted(
        f"customer:{member.customer_id}", "customer.identifier_added", "customer", member.customer_id, changes
    )
    await save(tx, store_id, member, [identifier.kind], clock.now(), noted)
    return AddOutcome.ADDED
