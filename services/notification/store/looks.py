"""How stores' messages look, and the pictures for it."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notification.domain import Logo, Look, Store
from services.notification.store.tables import logos, looks, stores

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('looks' || CAST(CAST(:store_id AS uuid) AS text), 0))")


async def load_look(tx: AsyncConnection, store_id: UUID, *, lock: bool = False) -> Look:
    """The store's look; `lock` lets nobody else change it until the transaction ends, also where there is none yet."""
    if lock:
        await tx.execute(_LOCK, {"store_id": store_id})
    names = [looks.c[name] for name in Look.__slots__]
    row = (await tx.execute(select(*names).where(looks.c.store_id == store_id))).first()
    return Look(*row) if row else Look()


async def save_look(tx: AsyncConnection, store_id: UUID, look: Look) -> None:
    """Writes it down."""
    values = asdict(look)
    await tx.execute(
        insert(looks)
        .values(store_id=store_id, **values)
        .on_conflict_do_update(index_elements=["store_id"], set_=values)
    )


async def add_logo(tx: AsyncConnection, store_id: UUID, logo: Logo) -> None:
    """Keeps a picture; one that is there already is the same."""
    row = {"store_id": store_id, "logo_name": logo.name, "media_type": logo.media_type, "content": logo.content}
    await tx.execute(insert(logos).values(row).on_conflict_do_nothing())


async def load_logo(tx: AsyncConnection, store_id: UUID, logo_name: str) -> tuple[bytes, str] | None:
    """(content, media type) of a picture."""
    query = select(logos.c.content, logos.c.media_type)
    row = (await tx.execute(query.where(logos.c.store_id == store_id, logos.c.logo_name == logo_name))).first()
    return (row.content, row.media_type) if row else None


async def load_store(tx: AsyncConnection, store_id: UUID) -> Store | None:
    """The store as messages know it; None before it is known."""
    row = (await tx.execute(select(stores).where(stores.c.store_id == store_id))).first()
    if row is None:
        return None
    look = await load_look(tx, store_id)
    return Store(row.slug, row.name, row.language, row.timezone, row.currency, row.region, look)
