"""A shop with levels: rules saved as staff save them, and what members have by them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from services.common.errors import Conflict
from services.common.ids import NIL
from services.membership import commands
from services.membership.domain import Basis, Customer, Lapse, Level, LevelRules, LevelRun, RunState
from services.membership.queries import levels as queries
from tests.integration.membership.people import Shop
from tests.support.calls import once


def level(name: str, threshold: int, **more: Any) -> Level:
    """A new level; the threshold in cents."""
    return Level(NIL, name, threshold, **more)


SILVER, GOLD = level("Silver", 100_000), level("Gold 金", 500_000)
AT_ONCE = Lapse.AT_ONCE


@dataclass
class Ranks:
    """The levels of one shop."""

    shop: Shop

    async def rules(self) -> LevelRules:
        return await queries.get_rules(self.shop.context.database, self.shop.who)

    async def asked(self, *levels: Level, basis: Basis = Basis.LIFETIME) -> LevelRules:
        """Levels as a person edits them: those of a known name keep their ids."""
        now = await self.rules()
        ids = {known.name: known.level_id for known in now.levels}
        return LevelRules(basis, [replace(each, level_id=ids.get(each.name, NIL)) for each in levels], now.version)

    async def simulate(self, asked: LevelRules, *, down: bool = False, size: int = 0, token: str = "") -> Any:
        return await queries.simulate_rules(self.shop.context.database, self.shop.who, asked, down, size, token)

    async def save(self, *levels: Level, basis: Basis = Basis.LIFETIME) -> LevelRun:
        """Simulates and saves."""
        asked = await self.asked(*levels, basis=basis)
        return await self.save_seen(asked, (await self.simulate(asked)).hash)

    async def save_seen(self, asked: LevelRules, seen: bytes) -> LevelRun:
        """Asks for it and works until it is done. Raises Conflict with the reason of a run that was refused."""
        run = await commands.save_rules(self.shop.context, self.shop.who, once(self.shop.who), asked, seen)
        while run.state not in (RunState.DONE, RunState.REFUSED):
            await commands.run_level_saves(self.shop.worker)
            run = await queries.get_run(self.shop.context.database, self.shop.who, run.run_id)
        if run.refusal:
            raise Conflict(run.refusal)
        return run

    async def give(self, customer_id: UUID, name: str, reason: str = "asked", pinned_until: str = "") -> Customer:
        """By hand; an empty name is no level."""
        ids = {each.name: each.level_id for each in (await self.rules()).levels}
        return await commands.set_customer_level(
            self.shop.context, self.shop.who, once(self.shop.who), customer_id, ids.get(name), reason, pinned_until
        )

    async def of(self, customer_id: UUID) -> str:
        """The name of the member's level."""
        return (await self.shop.customer(customer_id)).level_name

    async def history(self, customer_id: UUID) -> list[Any]:
        page = await queries.list_level_changes(self.shop.context.database, self.shop.who, 0, "", customer_id)
        return list(page.items)
