"""Levels, points settings, and points that run out soon."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.errors import InvalidInput, NotFound
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import LevelRules, LevelRun, PointsSettings, Step, read_rules, simulation_hash

# How far ahead the list of points that run out looks.
WARNING_DAYS = 30


@dataclass(frozen=True, slots=True)
class Simulation:
    """What saving rules would do. `moves` are (customer id, name, from, to); the rest is told on the first page only."""

    moves: Page[tuple[UUID, str, str, str]]
    steps: Sequence[Step] = ()
    hash: bytes = b""


@dataclass(frozen=True, slots=True)
class ExpiringSoon:
    """A page of points that run out within WARNING_DAYS; the totals are told on the first page only."""

    page: Page[store.Expiring]
    points: int = 0
    customers: int = 0


async def get_rules(database: Database, claims: ServiceClaims) -> LevelRules:
    """The store's levels (B1)."""
    async with database.transaction(claims.store) as tx:
        return (await store.load_settings(tx, claims.store)).rules


async def get_run(database: Database, claims: ServiceClaims, run_id: UUID) -> LevelRun:
    """A change of rules as it stands (B6). Raises NotFound (level_run_not_found)."""
    async with database.transaction(claims.store) as tx:
        run = await store.load_level_run(tx, claims.store, run_id)
    if run is None:
        raise NotFound("level_run_not_found", run_id=str(run_id))
    return run


async def simulate_rules(
    database: Database, claims: ServiceClaims, asked: LevelRules, down: bool, size: int, token: str
) -> Simulation:
    """Who would go up and who down under other rules (B6); `down` chooses which of them the page names.

    Raises InvalidInput, Conflict (stale_version).
    """
    page = _read_page(size, token, UUID)
    async with database.transaction(claims.store) as tx:
        settings = await store.load_settings(tx, claims.store)
        rules = read_rules(claims.store, asked, settings.rules)
        judging = store.Judging(rules, settings.rules, clock.now(), settings.timezone)
        steps = [] if token else await store.count_moves(tx, claims.store, judging)
        wanted = bool(token) or any(step.down == down for step in steps)
        moves = await store.name_moves(tx, claims.store, judging, down, page) if wanted else []
    cut = page.cut(moves, lambda move: (str(move[0]),))
    return Simulation(cut, steps, b"" if token else simulation_hash(rules, steps))


async def list_level_changes(
    database: Database, claims: ServiceClaims, size: int, token: str, customer_id: UUID
) -> Page[store.LevelChange]:
    """Every change of the level of the customer behind the id, newest first. Raises NotFound, InvalidInput."""
    page = _read_page(size, token, int)
    async with database.transaction(claims.store) as tx:
        owner = await store.load(tx, claims.store, customer_id)
        if owner is None:
            raise NotFound("customer_not_found", customer_id=str(customer_id))
        changes = await store.level_changes_page(tx, claims.store, owner.customer_id, page)
    return page.cut(changes, lambda change: (change.seq,))


async def get_points_settings(database: Database, claims: ServiceClaims) -> PointsSettings:
    """How points are earned, redeemed and run out (B2)."""
    async with database.transaction(claims.store) as tx:
        return (await store.load_settings(tx, claims.store)).points


async def list_expiring(database: Database, claims: ServiceClaims, size: int, token: str) -> ExpiringSoon:
    """Points that run out within WARNING_DAYS, the first to expire first (B2). Raises InvalidInput."""
    page = _read_page(size, token, datetime.fromisoformat, UUID)
    now = clock.now()
    until = now + timedelta(days=WARNING_DAYS)
    async with database.transaction(claims.store) as tx:
        found = await store.expiring_page(tx, claims.store, now, until, page)
        points, customers = (0, 0) if token else await store.expiring_totals(tx, claims.store, now, until)
    return ExpiringSoon(page.cut(found, lambda e: (e.expires_at.isoformat(), str(e.customer_id))), points, customers)


def _read_page(size: int, token: str, *kinds: Callable[[str], object]) -> PageRequest:
    """A page request whose key has parts of these kinds."""
    page = PageRequest.read(size, token, keys=len(kinds))
    if page.after is None:
        return page
    try:
        return PageRequest(page.size, tuple(kind(str(part)) for kind, part in zip(kinds, page.after, strict=True)))
    except ValueError:
        raise InvalidInput.of("page.token", "invalid_page_token") from None
