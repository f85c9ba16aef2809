"""Carts change, go over to others, and end (E4, F5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, outbox
from services.common.database import Database
from services.common.errors import Conflict, InvalidInput, NotFound
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.domain import MOST_CART_LINES, VISITOR_CARTS_KEPT, Cart, CartRef, CartState, CartWish, ShownCart

# Each lost try means that the cart was closed in between; the next one finds or makes another.
_TRIES = 5
_DROPPED_AT_ONCE = 1_000


async def change_cart(
    context: Context, claims: ServiceClaims, once: Once[ShownCart], ref: CartRef, wishes: Sequence[CartWish]
) -> ShownCart:
    """Puts items in and takes them out; makes the cart where its owner has none, or nobody is named.

    Raises InvalidInput (cart_full, unknown_item, item_not_sold, out_of_range), NotFound (cart_not_found),
    StateConflict (cart_closed), Conflict, Replayed.
    """
    if len(wishes) > MOST_CART_LINES:
        raise InvalidInput.of("lines", "cart_full", largest=str(MOST_CART_LINES))
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        cart = await hold_cart(tx, claims.store, ref)
        named = {wish.item_id for wish in wishes} | {line.item_id for line in cart.lines}
        items = await store.load_items(tx, claims.store, named)
        cart.put(wishes, items, clock.now())
        await _save(tx, claims.store, cart)
        shown = await once.finish(tx, ShownCart(cart, items))
    context.waker.wake()
    return shown


async def claim_cart(context: Context, claims: ServiceClaims, ref: CartRef, customer_id: UUID) -> ShownCart | None:
    """What is in a visitor's cart goes into the member's: at log-in, once, however often it is asked. None: neither has a cart.

    Raises NotFound (cart_not_found) for a cart that is named and not a visitor's.
    """
    async with context.database.transaction(claims.store) as tx:
        member = CartRef(customer_id=await _owner(tx, claims.store, customer_id))
        theirs = await store.load_cart(tx, claims.store, ref, lock=True)
        if ref.cart_id and (theirs is None or theirs.customer_id not in (None, member.customer_id)):
            raise NotFound("cart_not_found", cart_id=str(ref.cart_id))
        if theirs and theirs.customer_id is None and theirs.state is CartState.OPEN:
            mine = await hold_cart(tx, claims.store, member)
            mine.take_from(theirs)
            await _save(tx, claims.store, mine, theirs)
        else:
            found = await store.load_cart(tx, claims.store, member)
            if found is None:
                return None
            mine = found
        items = await store.load_items(tx, claims.store, {line.item_id for line in mine.lines})
    context.waker.wake()
    return ShownCart(mine, items)


async def hold_cart(tx: AsyncConnection, store_id: UUID, ref: CartRef) -> Cart:
    """The cart with its row held until the transaction ends; a new one where the owner has none, or the reference says nothing.

    Raises NotFound (cart_not_found), Conflict (cart_changed) when it was closed again and again.
    """
    if ref.customer_id:
        ref = replace(ref, customer_id=await _owner(tx, store_id, ref.customer_id))
    if ref.cart_id:
        cart = await store.load_cart(tx, store_id, ref, lock=True)
        if cart is None:
            raise NotFound("cart_not_found", cart_id=str(ref.cart_id))
        return cart
    for _ in range(_TRIES):
        cart = await store.load_cart(tx, store_id, ref, lock=True)
        if cart:
            return cart
        made = Cart.begin(new_id(), ref, clock.now())
        await store.add_cart(tx, store_id, made)
        if not ref.owned:
            return made
    raise Conflict("cart_changed")


async def _owner(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> UUID:
    """Who has the member's cart by now. No merge takes it away before the transaction ends."""
    await store.hold_owners(tx, store_id, [customer_id])
    return await store.survivor_of(tx, store_id, customer_id)


async def move_carts(tx: AsyncConnection, store_id: UUID, merged_ids: Sequence[UUID], survivor_id: UUID) -> None:
    """Carts of merged accounts go into the survivor's (F5). Part of the merge's transaction, which holds their owners."""
    theirs = await store.open_carts_of(tx, store_id, merged_ids)
    if theirs:
        mine = await hold_cart(tx, store_id, CartRef(customer_id=survivor_id))
        mine.take_all(theirs)
        await _save(tx, store_id, mine, *theirs)


async def end_carts(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Carts of people who were deleted or erased end (C9, C12). Part of the inbox transaction."""
    for cart in await store.open_carts_of(tx, store_id, customer_ids):
        cart.close(CartState.ENDED)
        await _save(tx, store_id, cart)


async def drop_stale_carts(database: Database) -> int:
    """Forgets visitors' carts that nobody has touched for a long time, of all stores; how many."""
    async with database.across_stores() as tx:
        return await store.drop_stale_carts(tx, clock.now() - VISITOR_CARTS_KEPT, _DROPPED_AT_ONCE)


async def _save(tx: AsyncConnection, store_id: UUID, *carts: Cart) -> None:
    """Writes carts, and tells of those that are members'."""
    for cart in carts:
        await store.save_cart(tx, store_id, cart)
    await outbox.add(tx, store_id, [events.cart_changed(cart) for cart in carts if cart.customer_id])
