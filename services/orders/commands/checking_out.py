"""A cart becomes an order, exactly once (E4, E6, E7)."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash
from services.common.errors import Conflict, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.commands.placing import read_draft, with_points
from services.orders.domain import CHECKOUTS_WITHIN, MOST_CHECKOUTS, Cart, CartRef, Draft, Order, read_lines


async def check_out_cart(
    context: Context, claims: ServiceClaims, once: Once[Order], ref: CartRef, draft: Draft
) -> Order:
    """Makes an order of a cart; of a cart that has become one, that order is the answer, whoever asks with whatever key.

    The draft's lines are what the customer has seen. The cart's row is held while the order is written, in one transaction:
    of two check-outs at once the second finds the first one's order. Points are taken before, as for any order (B2).
    Raises InvalidInput (price_changed, item_not_sold, cart_changed by line, and as create_order), NotFound (cart_not_found),
    StateConflict (cart_closed, too_many_checkouts), Conflict (cart_changed), Replayed, and what `reserve_points` raises.
    """
    async with context.database.transaction(claims.store) as tx:
        await once.look_back(tx)
        cart = await _cart(tx, claims.store, ref)
        if cart.order_id:
            return await _order_of(tx, claims.store, cart.order_id)
        draft = await _draft(tx, claims, cart, draft)
    draft, order_id = read_draft(draft, claims), new_id()
    if draft.points_redeemed and draft.customer_id:
        draft, order_id = await with_points(context, claims, once, draft, draft.customer_id)
    crash.point("orders.check_out.before_order")
    number = await context.numbers.next(claims.store)
    async with context.database.transaction(claims.store) as tx:
        order = await _place(tx, claims, once, cart, draft, order_id, number)
        crash.point("orders.check_out.before_commit")
    crash.point("orders.check_out.after_commit")
    context.waker.wake()
    return order


async def _cart(tx: AsyncConnection, store_id: UUID, ref: CartRef, *, lock: bool = False) -> Cart:
    if ref.customer_id:
        ref = replace(ref, customer_id=await store.survivor_of(tx, store_id, ref.customer_id))
    cart = await store.load_cart(tx, store_id, ref, lock=lock)
    if cart is None:
        raise NotFound("cart_not_found", cart_id=str(ref.cart_id or ""))
    return cart


async def _draft(tx: AsyncConnection, claims: ServiceClaims, cart: Cart, draft: Draft) -> Draft:
    """The draft with the cart's lines at the prices of now, which must be those seen; the buyer is the cart's member."""
    if cart.token_hash:
        since = clock.now() - CHECKOUTS_WITHIN
        if await store.checked_out_since(tx, claims.store, cart.token_hash, since) >= MOST_CHECKOUTS:
            raise StateConflict("too_many_checkouts")
    items = await store.load_items(tx, claims.store, {line.item_id for line in cart.lines})
    lines = cart.order_lines(read_lines(draft.lines), items, draft.language or claims.language)
    return replace(draft, lines=lines, customer_id=cart.customer_id)


async def _place(
    tx: AsyncConnection, claims: ServiceClaims, once: Once[Order], seen: Cart, draft: Draft, order_id: UUID, number: int
) -> Order:
    """The order and the end of its cart, whose row is held; or the order that somebody else has made of it meanwhile."""
    cart = await _cart(tx, claims.store, CartRef(cart_id=seen.cart_id), lock=True)
    if cart.order_id:
        return await _order_of(tx, claims.store, cart.order_id)
    if cart.version != seen.version:
        raise Conflict("cart_changed")
    order = Order.place(
        draft,
        order_id=order_id,
        number=number,
        new_customer_id=new_id(),
        payment_id=new_id(),
        actor=claims.actor,
        now=clock.now(),
    )
    cart.check_out(order.order_id, clock.now())
    told = [events.placed(order), *([events.cart_changed(cart)] if cart.customer_id else [])]
    if not await store.insert_whole(tx, once, order, told):
        await once.replay(tx)
    await store.save_cart(tx, claims.store, cart)
    return order


async def _order_of(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> Order:
    order = await store.load(tx, store_id, order_id)
    if order is None:
        raise NotFound("order_not_found", order_id=str(order_id))
    return order
