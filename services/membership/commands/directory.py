"""Saved filters, and the figures of a store (C1, C11)."""

from __future__ import annotations

import time
from uuid import UUID

from services.common import clock
from services.common.errors import AlreadyExists, Conflict, NotFound, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.commands.context import Context
from services.membership.domain import MOST_FILTERS, Overview, SavedFilter, Wish, read_filter_name, stretches


async def save_filter(
    context: Context, claims: ServiceClaims, once: Once[SavedFilter], name: str, wish: Wish
) -> SavedFilter:
    """Keeps a wish under a name.

    Raises InvalidInput (required, too_long), AlreadyExists (filter_name_taken), StateConflict (too_many_filters), Conflict,
    Replayed.
    """
    saved = SavedFilter(new_id(), read_filter_name(name), wish, claims.actor, clock.now(), 1)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        if await store.hold_filters(tx, claims.store) >= MOST_FILTERS:
            raise StateConflict("too_many_filters", largest=str(MOST_FILTERS))
        if not await store.add_filter(tx, claims.store, saved):
            raise AlreadyExists("filter_name_taken")
        return await once.finish(tx, saved)


async def rename_filter(
    context: Context, claims: ServiceClaims, once: Once[SavedFilter], filter_id: UUID, name: str
) -> SavedFilter:
    """The filter by its new name.

    Raises InvalidInput (required, too_long), NotFound (filter_not_found), AlreadyExists (filter_name_taken), Conflict, Replayed.
    """
    wanted = read_filter_name(name)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.hold_filters(tx, claims.store)
        if await store.name_is_taken(tx, claims.store, wanted, but=filter_id):
            raise AlreadyExists("filter_name_taken")
        saved = await store.rename_filter(tx, claims.store, filter_id, wanted)
        if saved is None:
            raise NotFound("filter_not_found")
        return await once.finish(tx, saved)


async def change_filter(
    context: Context,
    claims: ServiceClaims,
    once: Once[SavedFilter],
    filter_id: UUID,
    name: str,
    wish: Wish,
    expected_version: int,
) -> SavedFilter:
    """The filter with other contents, and another name if it differs. What changes nothing is no change.

    Raises InvalidInput (required, too_long), NotFound (filter_not_found), AlreadyExists (filter_name_taken),
    Conflict (stale_version), Replayed.
    """
    wanted = read_filter_name(name)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        await store.hold_filters(tx, claims.store)
        saved = await store.load_filter(tx, claims.store, filter_id)
        if saved is None:
            raise NotFound("filter_not_found")
        if expected_version and expected_version != saved.version:
            raise Conflict("stale_version", version=str(saved.version))
        if await store.name_is_taken(tx, claims.store, wanted, but=filter_id):
            raise AlreadyExists("filter_name_taken")
        if (saved.name, saved.wish) != (wanted, wish):
            saved = await store.change_filter(tx, claims.store, filter_id, wanted, wish)
            if saved is None:  # somebody has deleted it meanwhile
                raise NotFound("filter_not_found")
        return await once.finish(tx, saved)


async def delete_filter(context: Context, claims: ServiceClaims, once: Once[None], filter_id: UUID) -> None:
    """Forgets a filter. Raises NotFound (filter_not_found), Conflict, Replayed."""
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        if not await store.delete_filter(tx, claims.store, filter_id):
            raise NotFound("filter_not_found")
        await once.finish(tx, None)


async def reckon_overview(context: Context, store_id: UUID) -> Overview:
    """Counts and sums the store's members anew, and keeps the figures for whoever looks next (C1)."""
    began = time.perf_counter()
    async with context.database.transaction(store_id) as tx:
        now = clock.now()
        settings = await store.load_settings(tx, store_id)
        figures = await store.reckon(tx, store_id, stretches(now, settings.timezone))
        overview = Overview(now, time.perf_counter() - began, figures)
        await store.save_overview(tx, store_id, overview)
    return overview
