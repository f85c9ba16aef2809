"""What a person wishes of the orders list. It travels in the address, so that a list can be bookmarked and gone back to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from gateway import formats
from gateway.console import ask, labels
from gateway.console.forms import OrdersForm
from gateway.console.wishes import Chip, Wishes
from gateway.days import begin_of, end_of
from onefold.orders.v1 import service_pb2 as pb
from services.common.errors import InvalidInput, Violations

# The contract's names of what the form has under others.
FIELDS = {
    "query": "q",
    "statuses": "state",
    "channels": "channel",
    "customer_ids[0]": "member",
    "placed_from": "placed_from",
    "placed_before": "placed_to",
    "total_from_minor": "total_from",
    "total_to_minor": "total_to",
}
# What the tabs above the list stand for; picking statuses one by one leaves the tab.
TABS: dict[str, list[int]] = {
    "": [],
    "unpaid": [pb.ORDER_STATUS_UNPAID],
    "paid": [
        pb.ORDER_STATUS_PAID,
        pb.ORDER_STATUS_PROCESSING,
        pb.ORDER_STATUS_SHIPPED,
        pb.ORDER_STATUS_COMPLETED,
        pb.ORDER_STATUS_PARTLY_REFUNDED,
        pb.ORDER_STATUS_REFUNDED,
    ],
}
_ONES = ("status", "q", "member", "placed_from", "placed_to", "total_from", "total_to")
_SEVERAL = ("state", "channel")


@dataclass(frozen=True, slots=True)
class OrderListing(Wishes):
    """A list of orders, as typed: parameter → values."""

    @classmethod
    def read(cls, sent: MultiDict[str, str]) -> OrderListing:
        """From an address or a form."""
        listing = cls.taken(sent, _ONES, _SEVERAL)
        return listing.without("status") if listing.wishes.get("state") else listing

    @property
    def tab(self) -> str | None:
        """The tab that is open; None when statuses were picked one by one."""
        return None if self.wishes.get("state") else self.one("status")

    def filter(self) -> pb.ListOrdersRequest:
        """For the service. Raises InvalidInput where an amount or a day cannot be read."""
        faults = Violations()
        asked = pb.ListOrdersRequest(
            query=self.one("q"),
            customer_ids=[self.one("member")] if self.one("member") else [],
            statuses=self._statuses(),
            channels=_codes(labels.CHANNEL_WORDS, self.wishes.get("channel", ())),
        )
        for name, field, read in (("placed_from", "placed_from", begin_of), ("placed_to", "placed_before", end_of)):
            with ask.noting(faults):
                if moment := read(self.one(name), ask.zone(), field):
                    getattr(asked, field).CopyFrom(moment)
        for name, field in (("total_from", "total_from_minor"), ("total_to", "total_to_minor")):
            if text := self.one(name):
                with ask.noting(faults):
                    setattr(asked, field, formats.parse_amount(text, ask.store().currency, field))
        faults.check()
        return asked

    def _statuses(self) -> Any:  # an open enum: any number is a value
        picked = self.wishes.get("state", ())
        return _codes(labels.STATUS_WORDS, picked) if picked else TABS[self.one("status")]

    def form(self) -> OrdersForm:
        """The form with what was typed."""
        return OrdersForm(MultiDict(self.pairs()))

    def chips(self) -> Iterator[Chip]:
        """What narrows the list beside the tab and the words in the box, each with the way to take it off."""
        for name, value in self.pairs():
            if name not in ("q", "status"):
                yield Chip(_words(name, value), self.without(name, value).address("console.orders"))


def _codes(words: dict[str, int], picked: tuple[str, ...]) -> Any:
    """Numbers of words; for one that nobody knows a number that nobody knows, which the service refuses."""
    return [words.get(word, 99) for word in picked]


def _words(name: str, value: str) -> str:
    code = {"state": labels.STATUS_WORDS, "channel": labels.CHANNEL_WORDS}.get(name, {}).get(value, 0)
    sentences: dict[str, Callable[[], object]] = {
        "state": lambda: labels.badge_of(labels.ORDER_STATUS, code)[0],
        "channel": lambda: labels.words_of(labels.CHANNEL, code),
        "member": lambda: _("Orders of %(name)s", name=_member(value)),
        "placed_from": lambda: _("Placed from %(day)s", day=_day(value)),
        "placed_to": lambda: _("Placed up to %(day)s", day=_day(value)),
        "total_from": lambda: _("Total from %(amount)s", amount=value),
        "total_to": lambda: _("Total up to %(amount)s", amount=value),
    }
    return str(sentences[name]())


def _member(customer_id: str) -> str:
    try:
        name = ask.name_of(customer_id)
    except InvalidInput:
        name = ""
    return name or str(_("one member"))


def _day(text: str) -> str:
    try:
        return formats.day_text(date.fromisoformat(text), ask.locale())
    except ValueError:
        return text
