"""Login methods of customers: made when a member enrols, proved by the customer, retired by a merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, crash, outbox
from services.common.errors import NotFound, StateConflict
from services.common.identifiers import EMAIL, IdentifierHasher
from services.common.ids import new_id
from services.common.inbox import RetryLater
from services.common.tokens import ServiceClaims
from services.identity_merge import events
from services.identity_merge.commands import Context
from services.identity_merge.domain import tokens
from services.identity_merge.domain.access import Store
from services.identity_merge.domain.logins import LoginState, NewLogin
from services.identity_merge.domain.merges import EndedLogin
from services.identity_merge.store import access, duplicates, inviting, logins, merges, proving


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a member owns, as (kind, value), by membership's `version` of the customer."""

    customer_id: UUID
    name: str
    language: str
    identifiers: Sequence[tuple[str, str]]
    version: int
    # False where whoever brought the member wished for no confirmation e-mail.
    confirm: bool = True


@dataclass(frozen=True, slots=True)
class Issued:
    """A confirmation token and whose it is."""

    token: str
    store_slug: str


async def add_login_methods(
    tx: AsyncConnection, store_id: UUID, identifiers: IdentifierHasher, members: Sequence[Enrolled]
) -> None:
    """Makes login methods of new members and asks for a confirmation e-mail for each address (A4). Part of the inbox transaction.

    An identifier that is known stays as it is; a retired one never comes back (T). Older news than is known is dropped. Raises
    RetryLater while an identifier is still somebody else's who has given it up: that news is on its way.
    """
    ids = [member.customer_id for member in members]
    await logins.hold_owners(tx, store_id, ids)
    known = await logins.known_owners(tx, store_id, ids)
    new: list[NewLogin] = []
    asked: dict[UUID, Enrolled] = {}
    for member in members:
        if member.version <= known.get(member.customer_id, 0):
            continue
        for kind, value in member.identifiers:
            digest = identifiers.digest(kind, value)
            new.append(NewLogin(new_id(), member.customer_id, kind, digest, value))
            if kind == EMAIL and member.confirm:
                asked[new[-1].login_method_id] = member
    if not new:
        return
    retired = await merges.customers_with_retired_logins(tx, store_id, [n.customer_id for n in new])
    made = await logins.add_methods(tx, store_id, new, retired)
    await _check_lost(tx, store_id, [n for n in new if n.login_method_id not in made])
    await outbox.add(
        tx,
        store_id,
        [
            events.confirmation_requested(method.login_method_id, m.customer_id, m.name, method.value, m.language)
            for method in new
            if method.login_method_id in made and (m := asked.get(method.login_method_id))
        ],
    )


async def _check_lost(tx: AsyncConnection, store_id: UUID, lost: Sequence[NewLogin]) -> None:
    if not lost:
        return
    owners = await logins.owners_of(tx, store_id, lost)
    if any(owners.get(method.digest, method.customer_id) != method.customer_id for method in lost):
        raise RetryLater("an identifier is still another customer's")


async def follow_changes(
    tx: AsyncConnection, store_id: UUID, identifiers: IdentifierHasher, members: Sequence[Enrolled]
) -> None:
    """Brings login methods to what each member owns by now (C4, C5). Part of the inbox transaction; raises as `add_login_methods`.

    A method whose identifier was given up ends, with whatever was proved by it; a new one waits for its owner's proof, for a member's
    consent says whose wish it is and not whose phone.
    """
    for member in members:
        await logins.hold_owners(tx, store_id, [member.customer_id])
        known = await logins.known_owners(tx, store_id, [member.customer_id])
        if member.version > known.get(member.customer_id, 0):
            owned = [identifiers.digest(kind, value) for kind, value in member.identifiers]
            await logins.free_others(tx, store_id, member.customer_id, owned)
            await add_login_methods(tx, store_id, identifiers, [member])
            await logins.note_owner(tx, store_id, member.customer_id, member.version)


async def end_logins(context: Context, claims: ServiceClaims, customer_ids: Sequence[UUID], *, freed: bool) -> None:
    """Nobody logs in as these customers again, whatever membership's earlier events still bring for them (C9, C12; fault 18).

    A login that its owner proves in this very moment is either proved first, and refuses the deletion, or ended first, and its
    confirmation is refused. Raises StateConflict (registered_online, merge_in_progress).
    """
    async with context.database.transaction(claims.store) as tx:
        await logins.hold_owners(tx, claims.store, customer_ids, alone=True)
        if await merges.in_merge(tx, claims.store, customer_ids):
            raise StateConflict("merge_in_progress")
        if freed and await logins.has_proved(tx, claims.store, customer_ids):
            raise StateConflict("registered_online")
        await inviting.forget(tx, claims.store, customer_ids)
        if freed:
            await logins.free(tx, claims.store, customer_ids)
        else:
            await logins.retire(tx, claims.store, customer_ids)
        await logins.note_gone(tx, claims.store, customer_ids)
        await merges.forget_descriptions(tx, claims.store, customer_ids)
        await duplicates.forget_pairs(tx, claims.store, customer_ids)
        crash.point("logins.end.before_commit")


async def retire_login_methods(
    tx: AsyncConnection, store_id: UUID, customer_ids: Sequence[UUID]
) -> Sequence[EndedLogin]:
    """Nobody logs in by these customers' identifiers again, and none of them is kept, but for a mask (F6). Part of the caller's
    transaction.

    Whoever is about to give one of them a login method or a password is waited for, and finds nothing left afterwards.
    """
    await logins.hold_owners(tx, store_id, customer_ids, alone=True)
    methods = await logins.list_of(tx, store_id, customer_ids)
    await logins.retire(tx, store_id, customer_ids)
    await duplicates.forget_pairs(tx, store_id, customer_ids)
    return [
        EndedLogin(each.customer_id, each.kind, audit.masked(each.kind, each.shown), each.confirmed_at)
        for each in methods
    ]


async def issue_confirmation(context: Context, claims: ServiceClaims, login_method_id: UUID) -> Issued | None:
    """A new token, good for 7 days beside earlier ones; None when nothing is left to prove.

    Made at the moment of sending, so that no token waits in a queue or an event.
    """
    token = tokens.mint(tokens.CONFIRMATION, claims.store)
    async with context.database.at_once() as connection:
        slug = await proving.add_confirmation(connection, claims.store, login_method_id, tokens.digest(token))
    return None if slug is None else Issued(token, slug)


async def confirm_login(context: Context, text: str) -> Store:
    """Marks a login method proved; returns the store. A second click is as good as the first.

    Raises NotFound (confirmation_refused), in the same words for every cause.
    """
    token = tokens.read(text)
    if token is None or token.purpose != tokens.CONFIRMATION:
        raise NotFound("confirmation_refused")
    async with context.database.transaction(token.store_id) as tx:
        method, state = await proving.find_confirmation(tx, token.store_id, token.digest) or (None, LoginState.RETIRED)
        if method is None or state is LoginState.RETIRED:
            raise NotFound("confirmation_refused")
        await proving.confirm(tx, token.store_id, method.login_method_id, token.digest)
        if state is LoginState.UNCONFIRMED:
            await outbox.add(tx, token.store_id, [events.login_confirmed(method)])
        store = await access.load_store(tx, token.store_id)
    context.waker.wake()
    return store
