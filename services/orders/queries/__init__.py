"""Reads of the orders service."""

from services.orders.queries.orders import (
    get_order,
    like_pattern,
    list_changes,
    list_orders,
    read_page,
    summarise_customers,
)

__all__ = ["get_order", "like_pattern", "list_changes", "list_orders", "read_page", "summarise_customers"]
