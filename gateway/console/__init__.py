"""The web console: pages for a store's staff (H1)."""

from gateway.console import (
    benefits,
    directory,
    home,
    imports,
    levels,
    members,
    merges,
    order_entry,
    order_mail,
    order_steps,
    orders,
    overview,
    past,
    points_settings,
    profiles,
    removals,
    session,
)
from gateway.console.frame import blueprint

__all__ = [
    "benefits",
    "blueprint",
    "directory",
    "home",
    "imports",
    "levels",
    "members",
    "merges",
    "order_entry",
    "order_mail",
    "order_steps",
    "orders",
    "overview",
    "past",
    "points_settings",
    "profiles",
    "removals",
    "session",
]
