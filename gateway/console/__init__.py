"""The web console: pages for a store's staff (H1)."""

from gateway.console import (
    directory,
    home,
    members,
    merges,
    order_entry,
    orders,
    overview,
    past,
    profiles,
    removals,
    session,
)
from gateway.console.frame import blueprint

__all__ = [
    "blueprint",
    "directory",
    "home",
    "members",
    "merges",
    "order_entry",
    "orders",
    "overview",
    "past",
    "profiles",
    "removals",
    "session",
]
