"""Orders and their rules."""

from services.orders.domain.drafts import FUTURE_TOLERANCE, LARGEST_QUANTITY, MOST_LINES, Draft, check_draft, read_lines
from services.orders.domain.items import MOST_ITEMS, POSITION_STEP, Item, ItemDraft, read_item, search_patterns
from services.orders.domain.lists import MOST_CUSTOMERS, Filter, Search, read_filter, read_search
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
    "MOST_CUSTOMERS",
    "MOST_ITEMS",
    "MOST_LINES",
    "MOST_RESENDS",
    "PARTLY_REFUNDED",
    "POSITION_STEP",
    "PROGRESS",
    "Change",
    "Channel",
    "CustomerChange",
    "Draft",
    "Filter",
    "Item",
    "ItemDraft",
    "Line",
    "Order",
    "Payment",
    "PaymentMethod",
    "Refund",
    "Search",
    "Status",
    "check_draft",
    "read_filter",
    "read_item",
    "read_lines",
    "read_search",
    "search_patterns",
]
