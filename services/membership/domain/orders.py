"""An order as far as membership cares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OrderState:
    """What the orders service says of one order. Amounts are minor units; `paid_at` None means unpaid."""

    order_id: UUID
    customer_id: UUID
    version: int
    paid: int
    refunded: int
    placed_at: datetime
    paid_at: datetime | None
    cancelled: bool = False

    @property
    def settled(self) -> bool:
        """Whether the order counts: unpaid and cancelled ones do not (B5, F7)."""
        return self.paid_at is not None and not self.cancelled
