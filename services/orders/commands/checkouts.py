"""A customer goes to the provider's page to pay an unpaid order (E1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.common import clock, crash
from services.common.contact import clean_text
from services.common.errors import InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.orders import store
from services.orders.commands.context import Context, locked
from services.orders.domain import Checkout, CheckoutState, Order, Provider, Status

_LONGEST_ADDRESS = 2_000


async def start_checkout(
    context: Context, claims: ServiceClaims, order_id: UUID, return_address: str
) -> tuple[Checkout, Provider]:
    """Where the customer pays. An open checkout is handed out again, whoever asks and however often (E7).

    The intent is kept before the provider is asked, and is the provider's idempotency key: a repeat after a crash finds the
    same checkout there. Raises NotFound, InvalidInput, StateConflict (order_not_unpaid, nothing_to_pay, payment_pending,
    provider_not_set_up, provider_refused), Unavailable (provider_unavailable).
    """
    return_address = clean_text(return_address, "return_address", _LONGEST_ADDRESS)
    if not return_address.startswith(("https://", "http://")):
        raise InvalidInput.of("return_address", "required")
    now = clock.now()
    async with context.database.transaction(claims.store) as tx:
        order = await locked(tx, claims.store, order_id)
        if not claims.may_see_order(order_id, order.customer_id):
            raise NotFound("order_not_found", order_id=str(order_id))
        provider = _able(order, await store.active_provider(tx, claims.store))
        known = await store.open_checkouts(tx, claims.store, order_id)
        checkout = _found(known, provider, order, return_address, now)
        if checkout is None:
            checkout = Checkout(new_id(), order_id, provider.provider_id, order.total, return_address, now)
            await store.add_checkout(tx, claims.store, checkout)
    if not checkout.address:
        await _ask(context, claims, provider, checkout, order)
    return checkout, provider


def _able(order: Order, provider: Provider | None) -> Provider:
    """The provider, if it can take the order's money. Raises StateConflict."""
    if order.status is not Status.UNPAID:
        raise StateConflict("order_not_unpaid", number=str(order.number))
    if not order.total:
        raise StateConflict("nothing_to_pay", number=str(order.number))
    if provider is None:
        raise StateConflict("provider_not_set_up")
    return provider


def _found(
    known: Sequence[Checkout], provider: Provider, order: Order, return_address: str, now: datetime
) -> Checkout | None:
    """The checkout that the customer has already. Raises StateConflict (payment_pending) where money may be on its way."""
    if any(each.state is CheckoutState.PENDING for each in known):
        raise StateConflict("payment_pending", number=str(order.number))
    mine = (each for each in known if each.provider_id == provider.provider_id)
    return next((each for each in mine if each.serves(order.total, return_address, now)), None)


async def _ask(context: Context, claims: ServiceClaims, provider: Provider, checkout: Checkout, order: Order) -> None:
    secrets = context.providers.secrets(claims.store, provider, clock.now())
    client = context.providers.client(provider.kind)
    checkout.session, checkout.address = await client.start(secrets.api_key, checkout, order)
    crash.point("orders.checkout.asked")
    async with context.database.transaction(claims.store) as tx:
        await store.answer_checkout(tx, claims.store, checkout)
