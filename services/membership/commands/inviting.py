"""Guests are invited to become members: some at once, or all of a list by a run of the worker (A5).

An address is invited once in seven days, by the row that it has: whoever else invites it is waited for. The invitation and the event
that asks for its mail are one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, outbox
from services.common.database import is_transient
from services.common.errors import InvalidInput, StateConflict
from services.common.idempotency import Once
from services.common.ids import new_id
from services.common.outbox import Event
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.domain import (
    INVITED_LATELY,
    MOST_IN_RUN,
    SAME_ADDRESS,
    Invitation,
    InvitationOutcome,
    InvitationRun,
    Wanted,
    read_greeting,
    read_guests,
)

# With the worker's two seconds between batches 25 a second: half of what one sender of mails does, so that codes and order mails,
# which stand in the same queue, wait a second or two at most.
BATCH = 50
_RUNS_AT_ONCE = 20
log = structlog.get_logger()


async def invite_guests(
    context: Context,
    claims: ServiceClaims,
    once: Once[Sequence[InvitationOutcome]],
    customer_ids: Sequence[UUID],
    greeting: str,
) -> Sequence[InvitationOutcome]:
    """Invites these guests, in the order given; whoever cannot be invited is told with the reason.

    Raises InvalidInput (no_guests_chosen, too_large, too_long), Replayed.
    """
    wanted, words = read_guests(customer_ids), read_greeting(greeting)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        outcomes = await _invite(context, tx, claims.store, wanted, words, claims.actor)
        invited = [outcome.invitation for outcome in outcomes if outcome.invitation]
        await outbox.add(tx, claims.store, [_noted(claims.actor, invitation) for invitation in invited])
        await once.finish(tx, outcomes)
    context.wake()
    return outcomes


async def invite_all(
    context: Context, claims: ServiceClaims, once: Once[InvitationRun], query: str, greeting: str
) -> InvitationRun:
    """Queues a run that invites all guests of a list; the worker does it (`run_invitations`).

    Raises InvalidInput (no_guests_chosen, too_long), StateConflict (invitations_under_way), Replayed.
    """
    words = read_greeting(greeting)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        guests = await store.find_invitable(tx, claims.store, context.hasher, query, claims.region, MOST_IN_RUN)
        if not guests:
            raise InvalidInput.of("query", "no_guests_chosen")
        run = InvitationRun(new_id(), query, words, len(guests), claims.actor, clock.now())
        if not await store.add_invitation_run(tx, claims.store, run, guests):
            raise StateConflict("invitations_under_way")
        numbers = [audit.change("guests", "", run.total)]
        noted = events.noted(claims.actor, "invitations.started", "invitation_run", run.run_id, numbers)
        await outbox.add(tx, claims.store, [noted])
        await once.finish(tx, run)
    context.wake()
    return run


async def run_invitations(context: Context) -> None:
    """The next batch of every run, in every store. Any number of workers may do so at once."""
    async with context.database.across_stores() as tx:
        runs = await store.invitation_runs_under_way(tx, _RUNS_AT_ONCE)
    for store_id, run_id in runs:
        await _go_on(context, store_id, run_id)


async def _go_on(context: Context, store_id: UUID, run_id: UUID) -> None:
    """A guest who fails by a defect of ours must hold up neither the others nor the worker: then guests go one by one."""
    for most, refusal in ((BATCH, ""), (1, ""), (1, "internal")):
        try:
            await _batch(context, store_id, run_id, most, refusal)
            return
        except Exception as error:
            if is_transient(error):
                raise
            log.exception("invitations_failed")


async def _batch(context: Context, store_id: UUID, run_id: UUID, most: int, refusal: str) -> None:
    async with context.database.transaction(store_id) as tx:
        run = await store.take_invitation_run(tx, store_id, run_id)
        if run is None:
            return
        guests = await store.next_guests(tx, store_id, run_id, most)
        if refusal:
            outcomes: Sequence[InvitationOutcome] = [InvitationOutcome(guest, refusal) for guest in guests]
        else:
            outcomes = await _invite(context, tx, store_id, guests, run.greeting, run.requested_by)
        reasons = Counter(outcome.refusal for outcome in outcomes)
        invited = reasons.pop("", 0)
        refused = Counter(run.refused) + reasons
        await store.note_invited(tx, store_id, run_id, len(guests), invited, refused)
    context.wake()


async def _invite(
    context: Context, tx: AsyncConnection, store_id: UUID, ids: Sequence[UUID], greeting: str, actor: str
) -> list[InvitationOutcome]:
    """Writes the invitations of those whom nothing stands in the way of, and asks for their mails."""
    await store.hold_guests(tx, store_id, ids)
    known = await store.load_many(tx, store_id, ids)
    digests = store.digests_of(context.hasher, known)
    refusals = await store.refusals_of(tx, store_id, ids, known, digests)
    wanted: dict[bytes, Wanted] = {}
    for customer_id in ids:
        if not refusals[customer_id] and digests[customer_id] not in wanted:
            wanted[digests[customer_id]] = Wanted(known[customer_id], digests[customer_id], new_id())
    invited = await store.invite(tx, store_id, list(wanted.values()), actor)
    before = await store.invitations_of(tx, store_id, wanted.keys() - invited.keys())
    outcomes = []
    for customer_id in ids:
        digest = digests.get(customer_id, b"")
        refusal = refusals[customer_id]
        if not refusal and wanted[digest].customer.customer_id != customer_id:
            refusal = SAME_ADDRESS
        outcomes.append(_outcome(customer_id, refusal, invited.get(digest), before.get(digest)))
    told = [events.guest_invited(each, wanted[each.digest].customer.language, greeting) for each in invited.values()]
    await outbox.add(tx, store_id, told)
    return outcomes


def _outcome(
    customer_id: UUID, refusal: str, invited: Invitation | None, before: tuple[Invitation, bool] | None
) -> InvitationOutcome:
    if refusal:
        return InvitationOutcome(customer_id, refusal)
    if before:
        return InvitationOutcome(customer_id, INVITED_LATELY, before[0].again_at)
    return InvitationOutcome(customer_id, invitation=invited)


def _noted(actor: str, invitation: Invitation) -> Event:
    hidden = audit.hidden("email", "", invitation.email)
    return events.noted(actor, "customer.invited", "customer", invitation.customer_id, [hidden])
