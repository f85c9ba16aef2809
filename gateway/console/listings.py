"""What a person wishes of the members list. It travels in the address, so that a list can be bookmarked, saved and gone back to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from gateway import formats
from gateway.console import ask, labels
from gateway.console.forms import MembersForm
from gateway.console.wishes import Chip, Wishes
from onefold.membership.v1 import directory_pb2 as pb
from services.common.errors import Violations

WITHOUT_LEVEL = "none"
# The contract's names of what the form has under others.
FIELDS = {
    "filter.query": "q",
    "filter.kind": "kind",
    "filter.level_ids": "level",
    "filter.net_spend_from_minor": "spend_from",
    "filter.net_spend_to_minor": "spend_to",
    "filter.birthday_month": "month",
    "filter.tags": "tags",
    "sort": "sort",
}
# `saved`: the saved filter that the list was opened by, whatever has become of it since.
_ONES = ("q", "kind", "recent", "cart", "spend_from", "spend_to", "month", "tags", "sort", "saved")
_BESIDE_FILTERS = ("q", "sort", "saved")


@dataclass(frozen=True, slots=True)
class Listing(Wishes):
    """A list of customers, as typed: parameter → values."""

    @classmethod
    def read(cls, sent: MultiDict[str, str]) -> Listing:
        """From an address or a form."""
        return cls.taken(sent, _ONES, ("level",))

    @classmethod
    def of(cls, saved: pb.SavedFilter) -> Listing:
        """As a saved filter has it."""
        asked, currency = saved.filter, ask.store().currency
        kind = "invitable" if asked.kind == pb.CUSTOMER_KIND_INVITABLE else ""
        amounts = {
            name: formats.decimal_text(getattr(asked, field), currency)
            for name, field in (("spend_from", "net_spend_from_minor"), ("spend_to", "net_spend_to_minor"))
            if asked.HasField(field)  # type: ignore[arg-type]
        }
        ones = {
            "q": asked.query,
            "kind": kind,
            "recent": "1" if asked.registered_recently else "",
            "cart": "1" if asked.cart_unchecked else "",
            "month": str(asked.birthday_month or ""),
            "tags": ", ".join(asked.tags),
            "sort": labels.sort_word(saved.sort),
            "saved": saved.filter_id,
            **amounts,
        }
        levels = (*asked.level_ids, *((WITHOUT_LEVEL,) if asked.without_level else ()))
        filled = {name: (value,) for name, value in ones.items() if value}
        return cls(filled | ({"level": levels} if levels else {}))

    @property
    def sort(self) -> pb.CustomerSort.ValueType:
        """The order; for a word that nobody knows a number that nobody knows, which the service refuses."""
        return labels.sort_code(self.one("sort"))

    def filter(self) -> pb.CustomerFilter:
        """For the services. Raises InvalidInput where an amount cannot be read."""
        faults, kind = Violations(), self.one("kind")
        asked = pb.CustomerFilter(
            query=self.one("q"),
            kind=pb.CUSTOMER_KIND_INVITABLE if kind == "invitable" else pb.CUSTOMER_KIND_MEMBERS,
            level_ids=[level for level in self.wishes.get("level", ()) if level != WITHOUT_LEVEL],
            without_level=WITHOUT_LEVEL in self.wishes.get("level", ()),
            registered_recently=bool(self.one("recent")),
            cart_unchecked=bool(self.one("cart")),
            birthday_month=_month(self.one("month")),
            tags=[
                tag.strip() for tag in self.one("tags").replace("，", ",").replace("、", ",").split(",") if tag.strip()
            ],
        )
        for name, field in (("spend_from", "net_spend_from_minor"), ("spend_to", "net_spend_to_minor")):
            if text := self.one(name):
                with ask.noting(faults):
                    setattr(asked, field, formats.parse_amount(text, ask.store().currency, f"filter.{field}"))
        faults.check()
        return asked

    def form(self) -> MembersForm:
        """The form with what was typed."""
        return MembersForm(MultiDict(self.pairs()))

    def chips(self, levels: Mapping[str, str], picked: list[str]) -> Iterator[Chip]:
        """What narrows the list beside the words in the box, each with the way to take it off. `levels`: id → name."""
        for name, value in self.pairs():
            if name not in _BESIDE_FILTERS:
                yield Chip(_words(name, value, levels), self.without(name, value).address("console.members", id=picked))


def _month(text: str) -> int:
    """The number of a month as sent; what is none is refused by the service."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 else -1 if text else 0


def _words(name: str, value: str, levels: Mapping[str, str]) -> str:
    known = levels.get(value) or _("Unknown level")
    sentences = {
        "level": _("No level") if value == WITHOUT_LEVEL else _("Level: %(name)s", name=known),
        "recent": _("Registered within 7 days"),
        "cart": _("Unchecked cart within 7 days"),
        "spend_from": _("Net spend from %(amount)s", amount=value),
        "spend_to": _("Net spend up to %(amount)s", amount=value),
        "month": _("Birthday in %(month)s", month=labels.month_name(value)),
        "tags": _("Tags: %(tags)s", tags=value),
        "kind": _("Guests who can be invited"),
    }
    return str(sentences[name])
