"""How to reach customers, as their orders say (F12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.tokens import ServiceClaims
from services.orders import store

MOST_CUSTOMERS = 2_000


async def list_contacts(
    database: Database, claims: ServiceClaims, customer_ids: Sequence[UUID]
) -> Mapping[UUID, Sequence[str]]:
    """Phones and e-mails on the orders of each customer. Raises InvalidInput (too_large)."""
    if len(customer_ids) > MOST_CUSTOMERS:
        raise InvalidInput.of("customer_ids", "too_large", largest=str(MOST_CUSTOMERS))
    async with database.transaction(claims.store) as tx:
        return await store.contacts_of(tx, claims.store, customer_ids)
