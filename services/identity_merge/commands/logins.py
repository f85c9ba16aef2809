"""Login methods of customers: made when a member enrols, proved by the customer, retired by a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import outbox
from services.common.errors import NotFound, PermissionDenied
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import Store
from services.identity_merge.domain.logins import LoginState, NewLogin
from services.identity_merge.store import access, logins, merges


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new member's identifiers, not yet proved; either may be empty."""

    customer_id: UUID
    name: str
    phone: str
    email: str
    language: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A confirmation token and whose it is."""

    token: str
    store_slug: str


async def add_login_methods(
    tx: AsyncConnection, store_id: UUID, identifiers: IdentifierHasher, members: Sequence[Enrolled]
) -> None:
    """Makes login methods of new members and asks for a confirmation e-mail for each address (A4). Part of the inbox transaction.

    An identifier that is known stays as it is; a retired one never comes back (T).
    """
    new: list[NewLogin] = []
    asked: dict[UUID, Enrolled] = {}
    for member in members:
        for kind, value in ((PHONE, member.phone), (EMAIL, member.email)):
            if value:
                digest = identifiers.digest(kind, value)
                new.append(NewLogin(new_id(), member.customer_id, kind, digest, value))
                if kind == EMAIL:
                    asked[new[-1].login_method_id] = member
    if not new:
        return
    retired = await merges.customers_with_retired_logins(tx, store_id, [n.customer_id for n in new])
    made = await logins.add_methods(tx, store_id, new, retired)
    await outbox.add(
        tx,
        store_id,
        [
            events.confirmation_requested(method_id, m.customer_id, m.name, m.email, m.language)
            for method_id, m in asked.items()
            if method_id in made
        ],
    )


async def retire_login_methods(tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]) -> None:
    """Nobody logs in by these customers' identifiers again, and none of them is kept (F6). Part of the caller's transaction."""
    await logins.retire(tx, store_id, customer_ids)


async def issue_confirmation(context: Context, claims: ServiceClaims, login_method_id: UUID) -> Issued | None:
    """A new token, good for 7 days beside earlier ones; None when nothing is left to prove. Raises PermissionDenied.

    Made at the moment of sending, so that no token waits in a queue or an event.
    """
    if claims.role != "service":
        raise PermissionDenied("permission_denied", "only services issue confirmations")
    token = tokens.mint(tokens.CONFIRMATION, claims.store)
    async with context.database.transaction(claims.store) as tx:
        if not await logins.add_confirmation(tx, claims.store, login_method_id, tokens.digest(token)):
            return None
        return Issued(token, (await access.load_store(tx, claims.store)).slug)


async def confirm_login(context: Context, text: str) -> Store:
    """Marks a login method proved; returns the store. A second click is as good as the first.

    Raises NotFound (confirmation_refused), in the same words for every cause.
    """
    token = tokens.read(text)
    if token is None or token.purpose != tokens.CONFIRMATION:
        raise NotFound("confirmation_refused")
    async with context.database.transaction(token.store_id) as tx:
        found = await logins.find_confirmation(tx, token.store_id, token.digest)
        if found is None or found.state is LoginState.RETIRED:
            raise NotFound("confirmation_refused")
        await logins.confirm(tx, token.store_id, found.login_method_id, token.digest)
        if found.state is LoginState.UNCONFIRMED:
            confirmed = events.login_confirmed(found.login_method_id, found.customer_id)
            await outbox.add(tx, token.store_id, [confirmed])
        store = await access.load_store(tx, token.store_id)
    context.waker.wake()
    return store
