"""What is compared to find several accounts of one person (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import Likeness

MOST_PEOPLE = 2_000
_BEFORE_ALL = UUID(int=0)


async def list_people(
    database: Database, claims: ServiceClaims, after: UUID | None, size: int
) -> tuple[Sequence[Likeness], int]:
    """Members after an id, in the order of ids; how many there are, with the first ones only. Raises InvalidInput (too_large)."""
    if not 1 <= size <= MOST_PEOPLE:
        raise InvalidInput.of("size", "too_large", largest=str(MOST_PEOPLE))
    async with database.transaction(claims.store) as tx:
        people = await store.people_page(tx, claims.store, after or _BEFORE_ALL, size)
        total = 0 if after else await store.count_all_members(tx, claims.store)
    return people, total
