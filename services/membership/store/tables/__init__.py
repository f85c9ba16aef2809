"""Tables of the membership service, by area."""

from services.membership.store.tables.base import metadata
from services.membership.store.tables.customers import addresses, customers, identifiers
from services.membership.store.tables.directory import customer_search, overviews, saved_filters, standings
from services.membership.store.tables.imports import import_parts, import_rows, imports
from services.membership.store.tables.invitations import invitation_runs, invitations
from services.membership.store.tables.levels import level_announcements, level_changes, level_runs
from services.membership.store.tables.orders import absorptions, cart_facts, order_facts
from services.membership.store.tables.points import birthday_gifts, points_entries, points_lots, redemptions
from services.membership.store.tables.profiles import consents, customer_notes, profile_changes, removals
from services.membership.store.tables.settings import store_settings

__all__ = [
    "absorptions",
    "addresses",
    "birthday_gifts",
    "cart_facts",
    "consents",
    "customer_notes",
    "customer_search",
    "customers",
    "identifiers",
    "import_parts",
    "import_rows",
    "imports",
    "invitation_runs",
    "invitations",
    "level_announcements",
    "level_changes",
    "level_runs",
    "metadata",
    "order_facts",
    "overviews",
    "points_entries",
    "points_lots",
    "profile_changes",
    "redemptions",
    "removals",
    "saved_filters",
    "standings",
    "store_settings",
]
