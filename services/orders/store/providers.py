"""Settings of payment providers, and customers' ways to pay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.orders.domain import Checkout, CheckoutState, Provider, ProviderKind
from services.orders.store.payment_tables import payment_checkouts, payment_providers

_STORE_OF = text("SELECT store_of_provider(CAST(:provider_id AS uuid))")
_HOLD = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('payment_providers' || CAST(CAST(:store_id AS uuid) AS text), 0))"
)
_PROVIDERS = text(
    """SELECT p.*, (SELECT n.received_at FROM payment_notices n WHERE n.store_id = p.store_id AND n.provider_id = p.provider_id
   ORDER BY n.received_at DESC LIMIT 1) AS notice_at
 FROM payment_providers p WHERE p.store_id = :store_id"""
)
_SAVE = text(
    """INSERT INTO payment_providers (store_id, provider_id, kind, name, active, api_key, webhook_secret, old_secret, old_secret_until,
  changed_at)
 VALUES (:store_id, :provider_id, :kind, :name, :active, :api_key, :webhook_secret, :old_secret, :old_secret_until, :changed_at)
 ON CONFLICT (store_id, provider_id) DO UPDATE SET name = excluded.name, active = excluded.active, api_key = excluded.api_key,
  webhook_secret = excluded.webhook_secret, old_secret = excluded.old_secret, old_secret_until = excluded.old_secret_until,
  changed_at = excluded.changed_at"""
)


async def store_of_provider(tx: AsyncConnection, provider_id: UUID) -> UUID | None:
    """Whose provider that is; None when nobody's."""
    found: UUID | None = await tx.scalar(_STORE_OF, {"provider_id": provider_id})
    return found


async def hold_providers(tx: AsyncConnection, store_id: UUID) -> None:
    """Until this transaction ends, nobody else changes the store's providers."""
    await tx.execute(_HOLD, {"store_id": store_id})


async def providers(tx: AsyncConnection, store_id: UUID) -> Sequence[Provider]:
    """Those that are set up, with the time of the last notice."""
    return [_provider(row) for row in await tx.execute(_PROVIDERS, {"store_id": store_id})]


async def provider(tx: AsyncConnection, store_id: UUID, provider_id: UUID) -> Provider | None:
    """By id."""
    mine = (payment_providers.c.store_id == store_id, payment_providers.c.provider_id == provider_id)
    row = (await tx.execute(select(payment_providers).where(*mine))).first()
    return _provider(row) if row else None


async def active_provider(tx: AsyncConnection, store_id: UUID) -> Provider | None:
    """Where customers are sent to pay."""
    mine = (payment_providers.c.store_id == store_id, payment_providers.c.active)
    row = (await tx.execute(select(payment_providers).where(*mine))).first()
    return _provider(row) if row else None


async def save_provider(tx: AsyncConnection, store_id: UUID, it: Provider) -> None:
    """Writes a provider; when it is the active one, no other is."""
    if it.active:
        others = (payment_providers.c.store_id == store_id, payment_providers.c.provider_id != it.provider_id)
        await tx.execute(update(payment_providers).where(*others).values(active=False))
    names = [column.name for column in payment_providers.columns if column.name != "store_id"]
    await tx.execute(_SAVE, {"store_id": store_id} | {name: getattr(it, name) for name in names})


def _provider(row: Row[Any]) -> Provider:
    return Provider(
        provider_id=row.provider_id,
        kind=ProviderKind(row.kind),
        name=row.name,
        active=row.active,
        api_key=row.api_key,
        webhook_secret=row.webhook_secret,
        old_secret=row.old_secret,
        old_secret_until=row.old_secret_until,
        changed_at=row.changed_at,
        notice_at=getattr(row, "notice_at", None),
    )


async def open_checkouts(tx: AsyncConnection, store_id: UUID, order_id: UUID) -> Sequence[Checkout]:
    """Those of an order that are not over, newest first."""
    mine = (payment_checkouts.c.store_id == store_id, payment_checkouts.c.order_id == order_id)
    query = (
        select(payment_checkouts)
        .where(*mine, payment_checkouts.c.state != CheckoutState.OVER)
        .order_by(payment_checkouts.c.created_at.desc())
        .limit(20)
    )
    return [
        Checkout(
            checkout_id=row.checkout_id,
            order_id=row.order_id,
            provider_id=row.provider_id,
            amount=row.amount,
            return_address=row.return_address,
            created_at=row.created_at,
            state=CheckoutState(row.state),
            session=row.session,
            address=row.address,
        )
        for row in await tx.execute(query)
    ]


async def add_checkout(tx: AsyncConnection, store_id: UUID, it: Checkout) -> None:
    """Notes the intent, before the provider is asked."""
    names = [column.name for column in payment_checkouts.columns if column.name != "store_id"]
    values = {name: getattr(it, name) for name in names}
    await tx.execute(insert(payment_checkouts).values({"store_id": store_id} | values))


async def answer_checkout(tx: AsyncConnection, store_id: UUID, it: Checkout) -> None:
    """Notes what the provider calls it and where its page is."""
    mine = (payment_checkouts.c.store_id == store_id, payment_checkouts.c.checkout_id == it.checkout_id)
    values = {"session": it.session, "address": it.address, "return_address": ""}
    await tx.execute(update(payment_checkouts).where(*mine).values(values))


async def move_checkout(
    tx: AsyncConnection, store_id: UUID, provider_id: UUID, session: str, state: CheckoutState
) -> bool:
    """Brings a checkout further, never back; False when there is none to bring."""
    checkouts = payment_checkouts.c
    mine = (checkouts.store_id == store_id, checkouts.provider_id == provider_id, checkouts.session == session)
    moved = await tx.execute(update(payment_checkouts).where(*mine, checkouts.state < state).values(state=state))
    return bool(moved.rowcount)
