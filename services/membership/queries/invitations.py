"""Guests who can be invited, and those who were (A5)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.common.database import Database
from services.common.errors import NotFound
from services.common.identifiers import IdentifierHasher
from services.common.paging import Page, PageRequest
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import (
    INVITED_LATELY,
    MOST_IN_RUN,
    Filter,
    Invitation,
    InvitationRun,
    Invitee,
    Kind,
    Wish,
)
from services.membership.queries.directory import list_customers
from services.membership.queries.tokens import token_id


@dataclass(frozen=True, slots=True)
class Invitations:
    """A page of invitations, with the numbers of the store."""

    page: Page[Invitation]
    invited: int
    accepted: int


async def list_invitees(
    database: Database, hasher: IdentifierHasher, claims: ServiceClaims, size: int, token: str, query: str
) -> Page[Invitee]:
    """Guests who have ordered, newest first, with what stands in the way of inviting them. Raises InvalidInput."""
    found = await list_customers(database, claims, size, token, Wish(Filter(query=query, kind=Kind.INVITABLE)))
    known = {customer.customer_id: customer for customer in found.page.items}
    ids, digests = list(known), store.digests_of(hasher, known)
    async with database.transaction(claims.store) as tx:
        refusals = await store.refusals_of(tx, claims.store, ids, known, digests)
        before = await store.invitations_of(tx, claims.store, digests.values())
        ordered = await store.last_orders(tx, claims.store, ids)
    invitees = []
    for i, customer in known.items():
        digest = digests.get(i, b"")
        last, lately = before.get(digest, (None, False))
        refusal = refusals[i] or (INVITED_LATELY if lately else "")
        invitees.append(Invitee(customer, digest, ordered.get(i), last, refusal))
    return Page(invitees, found.page.next_token)


async def count_invitees(
    database: Database, hasher: IdentifierHasher, claims: ServiceClaims, query: str
) -> tuple[int, bool]:
    """How many addresses of a list could be written to now, and whether there are more than a run can take."""
    async with database.transaction(claims.store) as tx:
        found = await store.find_invitable(tx, claims.store, hasher, query, claims.region, MOST_IN_RUN + 1)
    return min(len(found), MOST_IN_RUN), len(found) > MOST_IN_RUN


async def get_invitation_run(database: Database, claims: ServiceClaims, run_id: UUID) -> InvitationRun:
    """A run as it stands. Raises NotFound (invitation_run_not_found)."""
    async with database.transaction(claims.store) as tx:
        run = await store.load_invitation_run(tx, claims.store, run_id)
    if run is None:
        raise NotFound("invitation_run_not_found")
    return run


async def list_invitations(database: Database, claims: ServiceClaims, size: int, token: str) -> Invitations:
    """The last invitation to each address, newest first. Raises InvalidInput (invalid_page_token, too_large)."""
    page = PageRequest.read(size, token, keys=1)
    if page.after:
        page = PageRequest(page.size, (token_id(page.after[0]),))
    async with database.transaction(claims.store) as tx:
        rows = await store.invitations_page(tx, claims.store, page)
        invited, accepted = await store.count_invitations(tx, claims.store)
    return Invitations(page.cut(rows, lambda each: (str(each.invitation_id),)), invited, accepted)
