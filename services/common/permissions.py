"""Who may do what: the one table of roles (H1), for pages, REST and services alike. API keys carry their scopes themselves (H4).

Words only: what each permission opens stands beside each RPC in the contracts and beside each route in the gateway.
"""

from __future__ import annotations

from collections.abc import Iterable

ORDERS_READ = "orders:read"
ORDERS_WRITE = "orders:write"
# Takes the whole list of orders away in a file.
ORDERS_EXPORT = "orders:export"
# Money goes out.
ORDERS_REFUND = "orders:refund"
# The price list. Whoever sets prices decides what every order costs.
ITEMS_READ = "items:read"
ITEMS_WRITE = "items:write"
# What visitors and members mean to buy, and making unpaid orders of it: all that a merchant's own shop page needs.
CARTS_READ = "carts:read"
CARTS_WRITE = "carts:write"
# Says where customers' money goes; never a program's to do.
PAYMENTS_WRITE = "payments:write"
MEMBERS_READ = "members:read"
MEMBERS_WRITE = "members:write"
# What staff write about a person for one another: notes and tags. Whoever edits members may do that, too.
MEMBERS_NOTE = "members:note"
# Makes hundreds of members at a time, and mails to them.
MEMBERS_IMPORT = "members:import"
# Another phone for a member, with the consent recorded (C5); never a program's to give.
MEMBERS_PHONE = "members:phone"
# Erasing a person cannot be taken back, and reaches into every service (C12).
MEMBERS_ERASE = "members:erase"
MEMBER_SETTINGS_WRITE = "member_settings:write"
# Takes the whole list away in a file: more than reading it page by page.
MEMBERS_EXPORT = "members:export"
MERGES_WRITE = "merges:write"
# Rules of levels and points, which move everybody at once.
LEVELS_WRITE = "levels:write"
# How the store's messages look, and where answers to them go.
LOOK_WRITE = "look:write"
# Where the store's events are told, and of what. What is told names nobody.
WEBHOOKS_WRITE = "webhooks:write"
API_KEYS_WRITE = "api_keys:write"
# Who works for the store, and as what. Whoever may this may everything, by giving it to themselves.
STAFF_WRITE = "staff:write"
# What everybody did, with what was before and after: more about colleagues than they need to know of one another.
AUDIT_READ = "audit:read"

# What an API key can be given. Keys cannot make keys: whoever steals one must not be able to outlive its revocation.
SCOPES = (
    ORDERS_READ,
    ORDERS_WRITE,
    ORDERS_REFUND,
    ORDERS_EXPORT,
    ITEMS_READ,
    ITEMS_WRITE,
    CARTS_READ,
    CARTS_WRITE,
    MEMBERS_READ,
    MEMBERS_WRITE,
    MEMBERS_IMPORT,
    MEMBERS_EXPORT,
    MERGES_WRITE,
    LEVELS_WRITE,
    WEBHOOKS_WRITE,
)

_MANAGER = frozenset(SCOPES) | {MEMBERS_NOTE, PAYMENTS_WRITE, LOOK_WRITE, AUDIT_READ}
ROLES: dict[str, frozenset[str]] = {
    "owner": _MANAGER | {API_KEYS_WRITE, STAFF_WRITE, MEMBERS_PHONE, MEMBERS_ERASE, MEMBER_SETTINGS_WRITE},
    "manager": _MANAGER,
    # The till: sells, enrols, edits and deletes (C9), but a merge cannot be undone and is not made in a queue of customers.
    "cashier": frozenset(
        {ORDERS_READ, ORDERS_WRITE, ITEMS_READ, CARTS_READ, MEMBERS_READ, MEMBERS_WRITE, MEMBERS_NOTE}
    ),
    # Answers customers: sees everything, writes notes and tags, mends twins and changes phones (C5), touches no money.
    "support": frozenset(
        {ORDERS_READ, ITEMS_READ, CARTS_READ, MEMBERS_READ, MEMBERS_NOTE, MEMBERS_PHONE, MERGES_WRITE}
    ),
}


def of_role(role: str) -> frozenset[str]:
    """Permissions of a member of staff; none for an unknown role."""
    return ROLES.get(role, frozenset())


def of_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """Permissions of an API key: its scopes, as far as they are known, and notes and tags for one that edits members."""
    allowed = frozenset(SCOPES).intersection(scopes)
    return allowed | {MEMBERS_NOTE} if MEMBERS_WRITE in allowed else allowed
