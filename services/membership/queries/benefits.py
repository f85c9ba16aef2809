"""What a customer has for an order."""

from __future__ import annotations

from uuid import UUID

from services.common import clock
from services.common.database import Database
from services.common.errors import NotFound
from services.common.money import check_amount
from services.common.tokens import ServiceClaims
from services.membership import store
from services.membership.domain import Benefits, KnownBuyer, Status, level_discount, most_usable, spendable, worth


async def get_buyer(
    database: Database, claims: ServiceClaims, customer_id: UUID, amount: int
) -> tuple[KnownBuyer, int]:
    """Who buys, and what a member's level takes off the amount (A4, B1, F10). Raises InvalidInput, NotFound (customer_not_found)."""
    check_amount(amount, "amount_minor")
    buyer = await store.load_buyer(database.together, claims.store, customer_id)
    if buyer is None:
        raise NotFound("customer_not_found", customer_id=str(customer_id))
    return buyer, level_discount(amount, buyer.discount) if buyer.status is Status.MEMBER else 0


async def quote_benefits(database: Database, claims: ServiceClaims, customer_id: UUID, amount: int) -> Benefits:
    """What level and points take off an amount (B1, B2). Raises InvalidInput, NotFound (customer_not_found)."""
    check_amount(amount, "amount_minor")
    async with database.transaction(claims.store) as tx:
        customer = await store.load(tx, claims.store, customer_id)
        if customer is None:
            raise NotFound("customer_not_found", customer_id=str(customer_id))
        if customer.status is not Status.MEMBER:
            return Benefits(customer.customer_id)
        settings = await store.load_settings(tx, claims.store)
        lots = await store.lots_of(tx, claims.store, [customer.customer_id])
    level = settings.rules.at(settings.rules.rank(customer.level_id))
    percent = level.discount if level else 0
    discount, balance = level_discount(amount, percent), spendable(lots, clock.now())
    usable = min(balance, most_usable(amount - discount, settings))
    return Benefits(
        customer_id=customer.customer_id,
        level_name=level.name if level else "",
        discount_percent=percent,
        level_discount=discount,
        balance=balance,
        redeem_per_unit=settings.points.redeem_per_unit,
        usable=usable,
        value=worth(usable, settings),
    )
