"""The table of roles in words: for the page that shows it, for refusals, and for the document of the API (H1, H4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from services.common import permissions as p

# By what they are about, in the order in which a page shows them.
PERMISSIONS: tuple[tuple[LazyString, Mapping[str, LazyString]], ...] = (
    (
        _l("Orders"),
        {
            p.ORDERS_READ: _l("See orders"),
            p.ORDERS_WRITE: _l("Enter orders, confirm payments, change status and contact, cancel"),
            p.ORDERS_REFUND: _l("Refund orders"),
            p.ORDERS_EXPORT: _l("Take the list of orders away as a file"),
            p.PAYMENTS_WRITE: _l("Set up payment providers"),
        },
    ),
    (
        _l("Items and carts"),
        {
            p.ITEMS_READ: _l("See the price list"),
            p.ITEMS_WRITE: _l("Change the price list"),
            p.CARTS_READ: _l("See carts"),
            p.CARTS_WRITE: _l("Fill carts and make unpaid orders of them"),
        },
    ),
    (
        _l("Members"),
        {
            p.MEMBERS_READ: _l("See members, their points, levels and past"),
            p.MEMBERS_NOTE: _l("Write notes and tags"),
            p.MEMBERS_WRITE: _l("Edit members, award and deduct points, set levels, delete accounts"),
            p.MEMBERS_PHONE: _l("Change a member’s phone, with their consent recorded"),
            p.MERGES_WRITE: _l("Merge accounts"),
            p.MEMBERS_IMPORT: _l("Import members from a file"),
            p.MEMBERS_EXPORT: _l("Take the list of members away as a file"),
            p.MEMBERS_ERASE: _l("Erase a person for good"),
        },
    ),
    (
        _l("The store"),
        {
            p.LEVELS_WRITE: _l("Change the rules of levels and points"),
            p.MEMBER_SETTINGS_WRITE: _l("Decide whether members can be deleted"),
            p.LOOK_WRITE: _l("Change how the store’s messages look"),
            p.AUDIT_READ: _l("See what everybody did"),
            p.STAFF_WRITE: _l("Invite staff, change their roles, remove them"),
            p.WEBHOOKS_WRITE: _l("Set up webhooks and see what they were told"),
            p.API_KEYS_WRITE: _l("Make API keys and revoke them"),
        },
    ),
)
SENTENCES: dict[str, LazyString] = {word: said for _group, words in PERMISSIONS for word, said in words.items()}
ROLES: dict[str, LazyString] = {
    "owner": _l("Owner"),
    "manager": _l("Manager"),
    "cashier": _l("Cashier"),
    "support": _l("Support"),
}


@dataclass(frozen=True, slots=True)
class Missing:
    """What somebody lacks, and which roles have it."""

    permission: str
    sentence: str
    roles: Sequence[str]


def missing(permission: str) -> Missing | None:
    """In the reader's language; None for what is no permission of staff."""
    having = [str(ROLES[role]) for role, may in p.ROLES.items() if permission in may]
    return Missing(permission, in_words(permission), having) if having else None


def in_words(permission: str) -> str:
    """What a permission is for, in the reader's language; the word itself where this gateway does not know it."""
    return str(SENTENCES.get(permission, permission))


def for_document(words: Iterable[str]) -> str:
    """Scopes and what each is for, as Markdown."""
    return "\n".join(f"- `{word}`: {SENTENCES[word]}" for word in words)
