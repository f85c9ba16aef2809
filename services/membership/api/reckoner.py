"""The figures of a store for whoever asks, reckoned seldom."""

from __future__ import annotations

import asyncio
from uuid import UUID

from services.common import clock
from services.common.tokens import ServiceClaims
from services.membership import commands, queries
from services.membership.domain import Overview


class Reckoner:
    """Gives what was reckoned lately; else reckons anew, for which the readers of a very large store do not wait."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context
        self._under_way: dict[UUID, asyncio.Task[Overview]] = {}

    async def overview(self, claims: ServiceClaims) -> Overview:
        """The figures; those that ask at the same time share one reckoning."""
        known = await queries.get_overview(self._context.database, claims)
        if known and known.is_fresh(clock.now()):
            return known
        task = self._under_way.get(claims.store)
        if task is None:
            task = asyncio.create_task(commands.reckon_overview(self._context, claims.store))
            self._under_way[claims.store] = task
            task.add_done_callback(lambda _: self._under_way.pop(claims.store, None))
        return known if known and not known.is_quick else await asyncio.shield(task)

    async def members_total(self, claims: ServiceClaims, counted: int | None) -> int:
        """How many members the store has: as counted, or as its figures have it."""
        return counted if counted is not None else (await self.overview(claims)).figures.members
