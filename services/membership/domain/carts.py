"""What membership knows of a cart (E4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CartState:
    """A member's cart. `left_at` is when its owner last changed it, None once there is nothing in it to check out."""

    cart_id: UUID
    customer_id: UUID
    version: int
    left_at: datetime | None
