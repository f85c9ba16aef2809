"""Orders and their rules."""

from services.orders.domain.drafts import FUTURE_TOLERANCE, LARGEST_QUANTITY, MOST_LINES, Draft, check_draft, read_lines
from services.orders.domain.order import MOST_RESENDS, Order
from services.orders.domain.parts import (
    Change,
    Channel,
    CustomerChange,
    Line,
    Payment,
    PaymentMethod,
    Refund,
    Status,
)

__all__ = [
    "FUTURE_TOLERANCE",
    "LARGEST_QUANTITY",
    "MOST_LINES",
    "MOST_RESENDS",
    "Change",
    "Channel",
    "CustomerChange",
    "Draft",
    "Line",
    "Order",
    "Payment",
    "PaymentMethod",
    "Refund",
    "Status",
    "check_draft",
    "read_lines",
]
