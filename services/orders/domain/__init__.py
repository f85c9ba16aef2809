"""Orders and their rules."""

from services.orders.domain.drafts import FUTURE_TOLERANCE, LARGEST_QUANTITY, MOST_LINES, Draft, check_draft, read_lines
from services.orders.domain.order import MOST_RESENDS, PROGRESS, Order
from services.orders.domain.parts import (
    PARTLY_REFUNDED,
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
    "PARTLY_REFUNDED",
    "PROGRESS",
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
