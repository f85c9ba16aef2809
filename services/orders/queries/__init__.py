"""Reads of the orders service."""

from services.orders.queries.carts import get_cart
from services.orders.queries.items import get_item, list_items
from services.orders.queries.orders import get_order, list_changes, list_orders, summarise_customers

__all__ = ["get_cart", "get_item", "get_order", "list_changes", "list_items", "list_orders", "summarise_customers"]
