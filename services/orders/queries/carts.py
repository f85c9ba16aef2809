"""Reads of carts."""

from __future__ import annotations

from dataclasses import replace

from services.common.database import Database
from services.common.errors import NotFound
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.domain import CartRef, ShownCart


async def get_cart(database: Database, claims: ServiceClaims, ref: CartRef) -> ShownCart | None:
    """A cart with its items as they are now; None when the owner has no open one. Raises NotFound (cart_not_found) for an id."""
    async with database.transaction(claims.store) as tx:
        if ref.customer_id:
            ref = replace(ref, customer_id=await store.survivor_of(tx, claims.store, ref.customer_id))
        cart = await store.load_cart(tx, claims.store, ref)
        items = await store.load_items(tx, claims.store, {line.item_id for line in cart.lines}) if cart else {}
    if cart is None and ref.cart_id:
        raise NotFound("cart_not_found", cart_id=str(ref.cart_id))
    return ShownCart(cart, items) if cart else None
