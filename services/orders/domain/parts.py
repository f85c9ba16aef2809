"""What an order is made of. Amounts are minor units of the order's currency (E6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.orders.domain.payments import RefundState


class Status(IntEnum):
    """Numbers as in the contract's OrderStatus. An order that is refunded in part goes on as it was."""

    UNPAID = 1
    PAID = 2
    PROCESSING = 3
    SHIPPED = 4
    COMPLETED = 5
    CANCELLED = 6
    REFUNDED = 8


# What filters call orders that are refunded in part; the contract has it among the states.
PARTLY_REFUNDED = 7


class Channel(IntEnum):
    """Numbers as in the contract's Channel."""

    CONSOLE = 1
    POS = 2
    STOREFRONT = 3
    API = 4


class PaymentMethod(IntEnum):
    """Numbers as in the contract's PaymentMethod."""

    CASH = 1
    CARD = 2
    BANK_TRANSFER = 3
    OTHER = 4
    # By a provider; never entered by hand.
    ONLINE = 5


BY_HAND = frozenset(PaymentMethod) - {PaymentMethod.ONLINE}


@dataclass(frozen=True, slots=True)
class Line:
    """What was bought, at which price."""

    sku: str
    title: str
    quantity: int
    unit_price: int
    discount: int = 0
    # The item of the price list; name and price above are copies.
    item_id: UUID | None = None

    @property
    def total(self) -> int:
        """Quantity times price, less the line's discount."""
        return self.quantity * self.unit_price - self.discount


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received; `provider_id` where a provider took it, whose name is for reading."""

    payment_id: UUID
    amount: int
    method: PaymentMethod
    reference: str
    received_at: datetime
    provider_id: UUID | None = None
    provider_name: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back; `state` and `failure` say how far a provider is with it."""

    refund_id: UUID
    amount: int
    method: PaymentMethod
    reference: str
    reason: str
    refunded_at: datetime
    state: RefundState = RefundState.BY_HAND
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of an order's history. `change` is one of the words of the contract's HistoryEntry."""

    at: datetime
    actor: str
    change: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CustomerChange:
    """One change of one of a customer's orders, with what the order is now."""

    order_id: UUID
    number: int
    version: int
    at: datetime
    actor: str
    change: str
    status: Status
    total: int
    currency: str


@dataclass(frozen=True, slots=True)
class SpentOrder:
    """An order that counts for its customer's net spend; `running` is the sum of this one and all before."""

    order_id: UUID
    number: int
    placed_at: datetime
    status: Status
    paid: int
    refunded: int
    running: int
    currency: str
    moved_from: UUID | None
