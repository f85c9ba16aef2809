"""Login methods of what was proved: whoever holds them, and how they become an account's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.errors import StateConflict, Unavailable
from services.identity_merge import events
from services.identity_merge.commands.accounts.notices import notices
from services.identity_merge.domain.logins import OWNED_KINDS, LoginMethod, LoginState
from services.identity_merge.domain.proofs import Proved
from services.identity_merge.store import logins, merges, proving


async def account_of(tx: AsyncConnection, store_id: UUID, kind: str, digest: bytes) -> LoginMethod | None:
    """The login method of an identifier that its bearer has proved, held until the transaction ends; None where it is nobody's.

    A phone or an address that waits for its owner's proof has it now (A4). The event tells of every proof, for guest orders have come since
    the one before, perhaps (A7). Raises StateConflict (identifier_retired).
    """
    method, state = await proving.hold_method(tx, store_id, kind, digest) or (None, None)
    if state is LoginState.RETIRED:
        raise StateConflict("identifier_retired")
    if method is None or (state is LoginState.UNCONFIRMED and kind not in OWNED_KINDS):
        return None
    await outbox.add(tx, store_id, [events.login_confirmed(method)])
    if state is LoginState.UNCONFIRMED:
        await proving.prove(tx, store_id, method.login_method_id)
        return replace(method, confirmed_at=clock.now())
    return method


async def add_logins(
    tx: AsyncConnection,
    store_id: UUID,
    customer_id: UUID,
    proved: Sequence[Proved],
    *,
    tell: bool,
    version: int = 0,
) -> list[LoginMethod]:
    """Makes proved identifiers login methods of the account; those that it has now, in the same order.

    With `tell` its owner hears of what is new. What membership has to say of phones and addresses must have been asked before;
    `version` is then the one that told of them: older news, which would end them again, is dropped from here on. A provider's subject
    that is another account's is left out. Raises StateConflict (identifier_retired), also where the account was
    merged, deleted or erased meanwhile; Unavailable while the news that another account has given an identifier up is on its way.
    """
    await check_alive(tx, store_id, customer_id)
    if version:
        await logins.note_owner(tx, store_id, customer_id, version - 1)
    owned = await proving.own(tx, store_id, customer_id, proved)
    await _check_left_out(tx, store_id, [proof for proof in proved if proof.digest not in owned])
    fresh = [method for method, is_fresh in owned.values() if is_fresh]
    told = [events.login_confirmed(method) for method in fresh]
    for method in fresh if tell else ():
        but = [each.login_method_id for each in fresh]
        told += await notices(tx, store_id, customer_id, "login_added", method.shown, but)
        if method.kind not in OWNED_KINDS:  # the others membership notes
            what = audit.change("provider", "", method.kind)
            actor = f"customer:{customer_id}"
            told.append(events.noted(actor, "customer.provider_connected", "customer", customer_id, [what]))
    await outbox.add(tx, store_id, told)
    return [owned[proof.digest][0] for proof in proved if proof.digest in owned]


async def check_alive(tx: AsyncConnection, store_id: UUID, customer_id: UUID) -> None:
    """Until the transaction ends no merge retires the account's logins, and no deletion ends them.

    Merges and deletions hold the customer alone, so that they come first, and are seen here, or end what is written here. Raises
    StateConflict (identifier_retired).
    """
    await logins.hold_owners(tx, store_id, [customer_id])
    known = await logins.known_owners(tx, store_id, [customer_id])
    if known.get(customer_id, 0) >= logins.GONE or await merges.customers_with_retired_logins(
        tx, store_id, [customer_id]
    ):
        raise StateConflict("identifier_retired")


async def _check_left_out(tx: AsyncConnection, store_id: UUID, left_out: Sequence[Proved]) -> None:
    if not left_out:
        return
    states = await proving.states_of(tx, store_id, left_out)
    if LoginState.RETIRED in states.values():
        raise StateConflict("identifier_retired")
    if any(proof.kind in OWNED_KINDS and proof.digest in states for proof in left_out):
        raise Unavailable("service_unavailable", "an identifier is still another customer's")
