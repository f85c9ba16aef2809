"""Words for why two accounts may be one person's (F12)."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

REASONS: Mapping[str, LazyString] = {
    "name_same": _l("Same name"),
    "name_order": _l("Same name in another order"),
    "name_variant": _l("Same name in traditional and simplified characters"),
    "name_script": _l("Name written in Chinese and in letters"),
    "name_sound": _l("Names sound the same"),
    "name_nickname": _l("Same surname, and a short form of the first name"),
    "name_part": _l("Same surname, and a first name in common"),
    "name_typo": _l("Names differ by a slip or two"),
    "surname_same": _l("Same surname"),
    "given_same": _l("Same first name"),
    "birthday_same": _l("Same birthday"),
    "birthday_similar": _l("Birthdays differ by one digit, or day and month are swapped"),
    "order_contact": _l("An order of one bears the other’s phone or e-mail"),
    "phone_typo": _l("One typing error in the phone"),
    "email_mailbox": _l("Same mailbox written differently"),
    "email_name": _l("Same e-mail name at another provider"),
    "email_typo": _l("One typing error in the e-mail"),
    "address_same": _l("Same address"),
    "address_writing": _l("Same address written differently"),
    "address_similar": _l("Similar address"),
    "address_script": _l("Same numbers in the address, in Chinese and in letters"),
    "area_same": _l("Same district"),
}
# Which row of two accounts side by side a reason is about.
ROWS: Mapping[str, str] = {
    "name": "name",
    "surname": "name",
    "given": "name",
    "birthday": "birthday",
    "phone": "phone",
    "email": "email",
    "address": "address",
    "area": "address",
}


def words(reason: str) -> str:
    """A reason as it is read; one that this page does not know yet, as it is."""
    return str(REASONS.get(reason, reason))


def rows_of(reasons: list[str]) -> set[str]:
    """Names of the rows in which the two agree."""
    return {row for reason in reasons if (row := ROWS.get(reason.partition("_")[0]))}
