"""Birthday points: once a year, on the day, in the store's time zone (B1)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, timedelta
from uuid import UUID

import structlog

from services.common import clock, outbox
from services.common.ids import NIL
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import Ledger, Reason, Status, StoreSettings, end_after

_MEMBERS_AT_ONCE = 200
# Days that were missed while nobody worked are made up for, but nobody wants a gift of long ago.
_MOST_DAYS_LATE = 7
log = structlog.get_logger()


async def give_birthday_points(context: Context) -> int:
    """Gives each member of a level with birthday points its points of the year, in every store; how many members (B1).

    A day is done once its members have been gone through; whoever gets into such a level later that day has them next year.
    """
    async with context.database.across_stores() as tx:
        stores = await store.birthday_stores(tx, clock.now())
    given = 0
    for store_id, done, today in stores:
        for day in _days(done, today):
            given += await _celebrate(context, store_id, day)
    if given:
        log.info("birthday_points_given", customers=given)
    return given


def _days(done: date, today: date) -> Iterator[date]:
    first = max(done + timedelta(days=1), today - timedelta(days=_MOST_DAYS_LATE))
    for late in range((today - first).days + 1):
        yield first + timedelta(days=late)


async def _celebrate(context: Context, store_id: UUID, day: date) -> int:
    given = 0
    for month, day_of_month in birthdays_on(day):
        after = NIL
        while members := await _members(context, store_id, month, day_of_month, after):
            for customer_id in members:
                given += await _give(context, store_id, customer_id, day.year)
            after = members[-1]
    async with context.database.transaction(store_id) as tx:
        await store.celebrated(tx, store_id, day)
    return given


def birthdays_on(day: date) -> list[tuple[int, int]]:
    """(month, day) of the births that are celebrated on a day: those of 29 February a day early in common years."""
    births = [(day.month, day.day)]
    if births == [(2, 28)] and not calendar.isleap(day.year):
        births.append((2, 29))
    return births


async def _members(context: Context, store_id: UUID, month: int, day: int, after: UUID) -> list[UUID]:
    async with context.database.transaction(store_id) as tx:
        rules = (await store.load_settings(tx, store_id)).rules
        levels = [level.level_id for level in rules.levels if level.birthday_points]
        return await store.members_with_birthday(tx, levels, month, day, after, _MEMBERS_AT_ONCE)


async def _give(context: Context, store_id: UUID, customer_id: UUID, year: int) -> bool:
    async with context.database.transaction(store_id) as tx:
        settings = await store.load_settings(tx, store_id)
        owner = await store.lock_owner(tx, store_id, customer_id)
        points = _points(settings, owner.level_id) if owner and owner.status is Status.MEMBER else 0
        if owner is None or not points:
            return False
        now = clock.now()
        ledger = Ledger(owner.customer_id, await store.lots_of(tx, store_id, [owner.customer_id]), now, store.EARNER)
        expires_at = end_after(now, settings.points.validity_months, settings.timezone)
        ledger.award(points, expires_at, "", Reason.BIRTHDAY)
        if not await store.claim_gift(tx, store_id, owner.customer_id, year, ledger.entries[0].entry_id):
            return False
        await store.save_ledger(tx, store_id, ledger)
        await outbox.add(tx, store_id, [events.points_posted(ledger, Reason.BIRTHDAY, owner.version + 1)])
    context.wake()
    return True


def _points(settings: StoreSettings, level_id: UUID | None) -> int:
    level = settings.rules.at(settings.rules.rank(level_id))
    return level.birthday_points if level else 0
