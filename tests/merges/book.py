"""What must be true of the accounts of one lane, reckoned beside the system from what was done alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Sale:
    """An order: by which account's id it was placed, and what of its price was paid and given back, in minor units."""

    order_id: str
    account: int
    price: int
    paid: int = 0
    refunded: int = 0

    @property
    def held(self) -> int:
        """What can be given back."""
        return self.paid - self.refunded


@dataclass(slots=True)
class Book:
    """Accounts by their places, which the seed decides; `ids` are what the store calls them."""

    ids: list[str] = field(default_factory=list)
    # Where each leads, in one hop.
    survivor: list[int] = field(default_factory=list)
    net: list[int] = field(default_factory=list)
    # Points given by hand, which never expire.
    points: list[int] = field(default_factory=list)
    live: list[int] = field(default_factory=list)
    sales: list[Sale] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def place_of(self, customer_id: str) -> int | None:
        """The place of an id; None for somebody else's."""
        return self._places.get(customer_id)

    def add(self, customer_id: str, net: int) -> int:
        """A member that nothing was merged into; its place."""
        place = len(self.ids)
        self._places[customer_id] = place
        self.ids.append(customer_id)
        self.survivor.append(place)
        self.net.append(net)
        self.points.append(0)
        self.live.append(place)
        return place

    def merge(self, primary: int, merged: Sequence[int], points: int) -> None:
        """What a merge with an adjustment by `points` makes of live accounts (F5, F10)."""
        self.net[primary] += sum(self.net[each] for each in merged)
        self.points[primary] += sum(self.points[each] for each in merged) + points
        gone = set(merged)
        for place, leads in enumerate(self.survivor):
            if leads in gone:
                self.survivor[place] = primary
        self.live = [place for place in self.live if place not in gone]

    def money(self, sale: Sale, *, paid: int = 0, refunded: int = 0) -> None:
        """Money that came or went for an order (B5)."""
        sale.paid += paid
        sale.refunded += refunded
        self.net[self.survivor[sale.account]] += paid - refunded
