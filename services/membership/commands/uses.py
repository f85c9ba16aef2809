"""Giving and withdrawing consents (C6)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from services.common import audit, clock, outbox
from services.common.idempotency import Once
from services.common.tokens import ServiceClaims
from services.membership import events, store
from services.membership.commands.context import Context
from services.membership.commands.profiles import held
from services.membership.domain import Use, every_kind, read_uses, via


async def set_uses(
    context: Context,
    claims: ServiceClaims,
    once: Once[Sequence[Use]],
    customer_id: UUID,
    asked: Sequence[tuple[str, bool]],
) -> Sequence[Use]:
    """Sets (kind, given) for the customer behind an id; all kinds as they are then. What is so already is no change.

    Raises InvalidInput, NotFound (customer_not_found), StateConflict (customer_gone, being_removed), Conflict, Replayed.
    """
    wanted = read_uses(asked)
    async with context.database.transaction(claims.store) as tx:
        await once.begin(tx)
        customer = await held(tx, claims.store, customer_id)
        uses = (await store.load_uses(tx, claims.store, [customer.customer_id])).get(customer.customer_id, {})
        now = clock.now()
        changes = {
            kind: Use(kind, given, now, claims.actor, via(claims.actor))
            for kind, given in wanted.items()
            if kind not in uses or uses[kind].given != given
        }
        await store.set_uses(tx, claims.store, customer.customer_id, changes.values())
        if changes:
            told = [
                audit.change(each.kind, kind in uses and uses[kind].given, each.given) for kind, each in changes.items()
            ]
            noted = events.noted(claims.actor, "customer.consents_changed", "customer", customer.customer_id, told)
            await outbox.add(tx, claims.store, [noted])
        now_given = await once.finish(tx, every_kind(uses | changes))
    context.wake()
    return now_given
