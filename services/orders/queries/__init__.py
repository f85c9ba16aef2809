"""Reads of the orders service."""

from services.orders.queries.bulk import count_orders, get_bulk_run, list_bulk_runs, list_refused
from services.orders.queries.carts import get_cart
from services.orders.queries.contacts import list_contacts
from services.orders.queries.items import get_item, list_items
from services.orders.queries.orders import explain_spend, get_order, list_changes, list_orders, summarise_customers
from services.orders.queries.relinking import Relinked, preview_relink

__all__ = [
    "Relinked",
    "count_orders",
    "explain_spend",
    "get_bulk_run",
    "get_cart",
    "get_item",
    "get_order",
    "list_bulk_runs",
    "list_changes",
    "list_contacts",
    "list_items",
    "list_orders",
    "list_refused",
    "preview_relink",
    "summarise_customers",
]
