"""Reads of the orders service."""

from services.orders.queries.orders import get_order, list_changes, list_orders, summarise_customers

__all__ = ["get_order", "list_changes", "list_orders", "summarise_customers"]
