"""The web console: pages for a store's staff (H1)."""

from gateway.console import home, members, merges, order_entry, orders, past, profiles, removals, session
from gateway.console.frame import blueprint

__all__ = ["blueprint", "home", "members", "merges", "order_entry", "orders", "past", "profiles", "removals", "session"]
