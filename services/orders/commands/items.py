"""The price list changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.errors import AlreadyExists, InvalidInput, NotFound, StateConflict, Violation
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.orders import events, store
from services.orders.commands.context import Context
from services.orders.domain import MOST_ITEMS, POSITION_STEP, Item, ItemDraft, Line, read_item

# Fields whose changes the audit log tells, beside the price.
_TOLD = ("name_en", "name_zh", "sku", "sold_online", "sold_at_counter", "archived", "position")


async def create_item(context: Context, claims: ServiceClaims, once: Once[Item], draft: ItemDraft) -> Item:
    """A new item, after all others unless it names its place.

    Raises InvalidInput, AlreadyExists (sku_taken), StateConflict (too_many_items), Conflict, Replayed.
    """
    draft = read_item(draft)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        count, last = await store.hold_items(tx, claims.store)
        if count >= MOST_ITEMS:
            raise StateConflict("too_many_items", largest=str(MOST_ITEMS))
        item = Item.create(new_id(), draft, last + POSITION_STEP, actor=claims.actor, now=clock.now())
        await _check_sku(tx, claims.store, item)
        await store.add_item(tx, claims.store, item)
        await outbox.add(tx, claims.store, [_noted(claims, "item.created", None, item)])
        await once.finish(tx, item)
    context.waker.wake()
    return item


async def change_item(
    context: Context, claims: ServiceClaims, once: Once[Item], item_id: UUID, draft: ItemDraft, expected_version: int
) -> Item:
    """The item as it shall be; orders that stand keep their copies of name and price.

    Raises InvalidInput, NotFound (item_not_found), AlreadyExists (sku_taken), Conflict (stale_version), Replayed.
    """
    draft = read_item(draft)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.hold_items(tx, claims.store)
        item = await store.load_item(tx, claims.store, item_id)
        if item is None:
            raise NotFound("item_not_found", item_id=str(item_id))
        was = replace(item)
        item.change(draft, expected_version, actor=claims.actor, now=clock.now())
        await _check_sku(tx, claims.store, item)
        await store.save_item(tx, claims.store, item)
        await outbox.add(tx, claims.store, [_noted(claims, "item.changed", was, item)])
        await once.finish(tx, item)
    context.waker.wake()
    return item


def _noted(claims: ServiceClaims, action: str, was: Item | None, item: Item) -> Event:
    changes = [audit.change(name, getattr(was, name, None), getattr(item, name)) for name in _TOLD]
    before = audit.amount(was.unit_price, claims.currency) if was else ""
    changes.append(audit.change("unit_price", before, audit.amount(item.unit_price, claims.currency)))
    return events.noted(claims.actor, action, "item", item.item_id, changes)


async def _check_sku(tx: AsyncConnection, store_id: UUID, item: Item) -> None:
    if item.sku and await store.sku_is_taken(tx, store_id, item.sku, but=item.item_id):
        raise AlreadyExists("sku_taken", sku=item.sku)


async def check_items(context: Context, claims: ServiceClaims, lines: Sequence[Line]) -> None:
    """Whether the items that lines name are the store's. They are never deleted, so they still are when the order is written.

    Raises InvalidInput (unknown_item) naming each line.
    """
    named = {line.item_id for line in lines if line.item_id}
    if not named:
        return
    async with context.database.transaction(claims.store) as tx:
        known = await store.load_items(tx, claims.store, named)
    missing = [n for n, line in enumerate(lines) if line.item_id and line.item_id not in known]
    if missing:
        raise InvalidInput(*(Violation(f"lines[{n}].item_id", "unknown_item") for n in missing))
