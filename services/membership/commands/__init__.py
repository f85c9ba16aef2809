"""Writes of the membership service: one use case, one function, one transaction."""

from services.membership.commands.context import Context
from services.membership.commands.enrolling import enrol_buyer
from services.membership.commands.following import follow_orders, follow_store
from services.membership.commands.merging import absorb
from services.membership.commands.points import adjust_points, expire_points

__all__ = [
    "Context",
    "absorb",
    "adjust_points",
    "enrol_buyer",
    "expire_points",
    "follow_orders",
    "follow_store",
]
