"""Which guests can be invited, and what stands in the way of the others (A5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock
from services.common.identifiers import EMAIL, IdentifierHasher
from services.common.paging import PageRequest
from services.membership.domain import Customer, Filter, Hold, Identifier, Kind, Wish, read_query, why_not_invite
from services.membership.store.customers import load_many
from services.membership.store.enrolment import holders_of
from services.membership.store.invitations import invitations_of, last_orders
from services.membership.store.removals import all_being_removed
from services.membership.store.searching import find
from services.membership.store.uses import load_uses

# What is looked at in one go on the way through a long list.
_AT_ONCE = 1_000


async def refusals_of(
    tx: AsyncConnection,
    store_id: UUID,
    ids: Sequence[UUID],
    known: Mapping[UUID, Customer],
    digests: Mapping[UUID, bytes],
) -> dict[UUID, str]:
    """Why each of these is not to be invited, whatever was sent before; "" where nothing is in the way.

    `known` are those that there are, `digests` those of the ones that have an address.
    """
    identifiers = [Identifier(EMAIL, known[i].email, digest) for i, digest in digests.items()]
    holders = dict(zip(digests, await holders_of(tx, store_id, identifiers), strict=True))
    ordered = await last_orders(tx, store_id, ids)
    going = await all_being_removed(tx, store_id, ids)
    uses = await load_uses(tx, store_id, ids)
    return {
        i: why_not_invite(
            known.get(i),
            holders[i].hold if i in holders else Hold.FREE,
            uses.get(i, {}).get("email_marketing"),
            ordered=i in ordered,
            being_removed=i in going,
        )
        for i in ids
    }


def digests_of(hasher: IdentifierHasher, known: Mapping[UUID, Customer]) -> dict[UUID, bytes]:
    """Customer → digest of the address, of those who have one."""
    return {i: hasher.digest(EMAIL, customer.email) for i, customer in known.items() if customer.email}


async def find_invitable(
    tx: AsyncConnection, store_id: UUID, hasher: IdentifierHasher, text: str, region: str, most: int
) -> list[UUID]:
    """Guests of a list who can be invited now, newest first, one for each address and `most` at most."""
    wish = Wish(Filter(query=text, kind=Kind.INVITABLE))
    found: dict[bytes, UUID] = {}
    # As in a list: the first way of the words that finds anybody is theirs.
    for query in read_query(text, region) or (None,):
        page = PageRequest(_AT_ONCE)
        while keys := await find(tx, wish, query, page, clock.now()):
            found |= await _free(tx, store_id, hasher, [i for _, i in keys[:_AT_ONCE]], found)
            if len(found) >= most or len(keys) <= _AT_ONCE:
                return list(found.values())[:most]
            page = PageRequest(_AT_ONCE, keys[_AT_ONCE - 1])
    return []


async def _free(
    tx: AsyncConnection, store_id: UUID, hasher: IdentifierHasher, ids: Sequence[UUID], found: Mapping[bytes, UUID]
) -> dict[bytes, UUID]:
    known = await load_many(tx, store_id, ids)
    digests = digests_of(hasher, known)
    refusals = await refusals_of(tx, store_id, ids, known, digests)
    before = await invitations_of(tx, store_id, digests.values())
    free: dict[bytes, UUID] = {}
    for i in ids:
        digest = digests.get(i, b"")
        if not refusals[i] and digest not in found and not (digest in before and before[digest][1]):
            free.setdefault(digest, i)
    return free
