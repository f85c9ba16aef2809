"""What a merge would do to carts and orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.ids import NIL
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import Cart, CartLine, CartRef, Item, left_out

# A parcel of before has arrived, whatever its order says.
UNDER_WAY_FOR = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Relinked:
    """By account what is in its cart and how many orders are under way; the survivor's cart afterwards, and what has no room in it."""

    carts: Mapping[UUID, Sequence[CartLine]]
    under_way: Mapping[UUID, int]
    cart: Sequence[CartLine]
    left_out: Sequence[CartLine]
    items: Mapping[UUID, Item] = field(default_factory=dict)


async def preview_relink(
    database: Database, claims: ServiceClaims, survivor_id: UUID, merged_ids: Sequence[UUID]
) -> Relinked:
    """What moving carts would do, by the function that moves them (F4, F8)."""
    now = clock.now()
    async with database.transaction(claims.store) as tx:
        open_carts = await store.open_carts_of(tx, claims.store, [survivor_id, *merged_ids], lock=False)
        items = await store.load_items(tx, claims.store, {line.item_id for cart in open_carts for line in cart.lines})
        under_way = await store.under_way(tx, claims.store, [survivor_id, *merged_ids], now - UNDER_WAY_FOR)
    before = {cart.customer_id: cart.lines for cart in open_carts if cart.customer_id}
    own = [cart for cart in open_carts if cart.customer_id == survivor_id]
    mine = own[0] if own else Cart.begin(NIL, CartRef(customer_id=survivor_id), now)
    mine.take_all([cart for cart in open_carts if cart.customer_id != survivor_id])
    return Relinked(before, under_way, mine.lines, left_out(list(before.values()), mine.lines), items)
