"""What membership makes of carts: who has left one unchecked, and when (C3, E4). The transaction is the inbox's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.membership import store
from services.membership.domain import CartState


async def follow_carts(tx: AsyncConnection, store_id: UUID, news: Sequence[CartState]) -> None:
    """Brings the marks of carts left unchecked to where the carts are. Older news than is known is dropped.

    A cart of a merged account counts for whoever it leads to. Owners are held before anything of theirs is touched, so a merge
    goes either before or after.
    """
    newest = {cart.cart_id: cart for cart in sorted(news, key=lambda cart: cart.version)}
    owners = {}
    for customer_id in sorted({cart.customer_id for cart in newest.values()}):
        owner = await store.lock_owner(tx, store_id, customer_id)
        owners[customer_id] = owner.customer_id if owner else customer_id
    carts = [replace(cart, customer_id=owners[cart.customer_id]) for cart in newest.values()]
    if carts:
        await store.note_carts(tx, store_id, carts)
