"""An account is made of what a browser has proved (A3, A8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common import crash
from services.common.errors import StateConflict
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.identity_merge.clients import Added, Registered
from services.identity_merge.commands import Context
from services.identity_merge.commands.accounts.owning import add_logins
from services.identity_merge.commands.accounts.sessions import begin_session
from services.identity_merge.domain.access import read_password
from services.identity_merge.domain.logins import OWNED_KINDS, Begun, LoginState
from services.identity_merge.domain.proofs import Claimed, Proved, Registration, browser_digest
from services.identity_merge.store import passwords, proofs


@dataclass(frozen=True, slots=True)
class _Answer:
    """Whose the proofs are, by membership: the account, which of them it has, and the version that told of that."""

    customer_id: UUID
    proofs: Sequence[Proved]
    created: bool
    version: int = 0


async def register(context: Context, claims: ServiceClaims, wanted: Registration) -> tuple[Begun, bool]:
    """Makes the account and begins a session; False where there was one already, which has proved itself all the same, and is logged in.

    The account's id is kept with the proofs before membership hears of it: a repeat after whatever was lost, and others at the same
    moment, ask for the same. Raises StateConflict (nothing_proved, identifier_retired), InvalidInput, Unavailable.
    """
    browser = browser_digest(wanted.browser)
    password_hash = ""
    if wanted.password:
        password_hash = await context.passwords.hash(read_password(wanted.password, "password"))
    async with context.database.transaction(claims.store) as tx:
        claimed = await proofs.claim(tx, claims.store, browser, new_id())
    if claimed is None:
        raise StateConflict("nothing_proved")
    answer = await _ask(context, claims, wanted, claimed)
    async with context.database.transaction(claims.store) as tx:
        await proofs.mark_used(tx, claims.store, browser, claimed.customer_id)
        # One that was there hears of what is added to it; it is new to nobody that a new account has logins.
        methods = await add_logins(
            tx, claims.store, answer.customer_id, answer.proofs, tell=not answer.created, version=answer.version
        )
        if not methods:
            raise StateConflict("identifier_retired")
        if password_hash and answer.created:
            await passwords.put(tx, claims.store, answer.customer_id, password_hash, replace=False)
        begun = await begin_session(tx, claims.store, methods[0], wanted.visit)
        crash.point("accounts.register.before_commit")
    context.waker.wake()
    return begun, answer.created


async def _ask(context: Context, claims: ServiceClaims, wanted: Registration, claimed: Claimed) -> _Answer:
    """What membership says of the proofs. Raises StateConflict (identifier_retired), InvalidInput.

    A repeat may have proofs that the first attempt had not, so that membership is asked for each.
    """
    if claimed.state is LoginState.RETIRED:
        raise StateConflict("identifier_retired")
    if claimed.state is LoginState.CONFIRMED:
        return await _add_all(context, claims, claimed.customer_id, claimed.proofs)
    outcome, owner = await context.membership.register(claims, wanted, claimed)
    if outcome is Registered.RETIRED or owner is None:
        raise StateConflict("identifier_retired")
    # It has become an account's since: a provider's word opens none that it did not make (A8).
    if outcome is Registered.EXISTS and any(proof.vouched_for for proof in claimed.proofs):
        raise StateConflict("nothing_proved")
    created = outcome is Registered.CREATED
    if created and not claimed.again:
        return _Answer(owner, claimed.proofs, created)
    return await _add_all(context, claims, owner, claimed.proofs, created)


async def _add_all(
    context: Context, claims: ServiceClaims, customer_id: UUID, proved: Sequence[Proved], created: bool = False
) -> _Answer:
    """The account that was there has what it had, and is given what is nobody's."""
    kept, version = [], 0
    for proof in proved:
        outcome = Added.ADDED
        if proof.kind in OWNED_KINDS:
            outcome, told = await context.membership.add_identifier(claims, customer_id, proof)
            version = max(version, told)
        if outcome is Added.ADDED:
            kept.append(proof)
    if not kept:
        raise StateConflict("identifier_retired")
    return _Answer(customer_id, kept, created, version)
