"""What the commands need of the process."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.database import Database
from services.common.errors import NotFound
from services.orders import store
from services.orders.clients import Membership, Providers
from services.orders.domain import Order

_NUMBERS_AT_ONCE = 50


class Numbers:
    """Order numbers of this process, fetched in blocks; a restart leaves a gap, which is harmless."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._left: dict[UUID, range] = {}
        self._locks: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def next(self, store_id: UUID) -> int:
        """The next number of the store."""
        async with self._locks[store_id]:
            left = self._left.get(store_id)
            if not left:
                async with self._database.transaction(store_id) as tx:
                    first = await store.take_numbers(tx, store_id, _NUMBERS_AT_ONCE)
                left = range(first, first + _NUMBERS_AT_ONCE)
            self._left[store_id] = left[1:]
            return left[0]


@dataclass(frozen=True, slots=True)
class Context:
    """What the commands need of the process."""

    database: Database
    numbers: Numbers
    waker: outbox.Waker
    membership: Membership
    providers: Providers = field(default_factory=Providers)


async def locked(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> Order:
    """The order with its row held until the transaction ends. Raises NotFound (order_not_found)."""
    order = await store.load(tx, store_id, order_id, lock=True)
    if order is None:
        raise NotFound("order_not_found", order_id=str(order_id))
    return order
