"""Carts: what visitors and members mean to buy (E4). Prices are minor units of the store's currency."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID

from services.common.errors import InvalidInput, StateConflict, Violations
from services.orders.domain.items import Item
from services.orders.domain.parts import Line

MOST_CART_LINES = 100
MOST_QUANTITY = 999
# 128 bits in the densest usual writing.
SHORTEST_TOKEN, LONGEST_TOKEN = 22, 200
# A visitor's cart that nobody has touched for so long is nobody's.
VISITOR_CARTS_KEPT = timedelta(days=90)
# Far more than a person buys; each order sends a mail to an address that somebody has typed.
MOST_CHECKOUTS = 20
CHECKOUTS_WITHIN = timedelta(days=1)


class CartState(IntEnum):
    """Numbers as in the contract's CartState."""

    OPEN = 1
    CHECKED_OUT = 2
    CLAIMED = 3
    ENDED = 4


@dataclass(frozen=True, slots=True)
class CartRef:
    """Which cart: by its id, by the digest of its visitor's token, or by its member; by id and owner, if it is the owner's."""

    cart_id: UUID | None = None
    token_hash: bytes | None = None
    customer_id: UUID | None = None

    @property
    def owned(self) -> bool:
        """Whether an owner is named."""
        return self.token_hash is not None or self.customer_id is not None


@dataclass(frozen=True, slots=True)
class CartLine:
    """One item; `seen_price` is what it cost when it was put in."""

    item_id: UUID
    quantity: int
    seen_price: int


@dataclass(frozen=True, slots=True)
class CartWish:
    """So many of an item: on top of what is there (`add`), or instead of it; 0 takes it out."""

    item_id: UUID
    quantity: int
    add: bool = False


@dataclass(slots=True)
class Cart:
    """One cart of a visitor or a member. `changed_at` is when its owner last changed it (C3)."""

    cart_id: UUID
    state: CartState
    token_hash: bytes | None
    customer_id: UUID | None
    lines: tuple[CartLine, ...]
    changed_at: datetime
    version: int
    order_id: UUID | None = None

    @classmethod
    def begin(cls, cart_id: UUID, ref: CartRef, now: datetime) -> Cart:
        """An empty one."""
        return cls(cart_id, CartState.OPEN, ref.token_hash, ref.customer_id, (), now, 1)

    def belongs_to(self, ref: CartRef) -> bool:
        """Whether the cart is the owner's that the reference names, if it names one."""
        mine = self.token_hash == ref.token_hash and self.customer_id == ref.customer_id
        return mine or not ref.owned

    def put(self, wishes: Sequence[CartWish], items: Mapping[UUID, Item], now: datetime) -> None:
        """Does what is wished, all or nothing. `items` are those of the store.

        Raises StateConflict (cart_closed), InvalidInput (unknown_item, item_not_sold, out_of_range, cart_full).
        """
        self._check_open()
        found = Violations()
        lines = {line.item_id: line for line in self.lines}
        for number, wish in enumerate(wishes):
            there = lines.get(wish.item_id)
            quantity = wish.quantity + (there.quantity if there and wish.add else 0)
            item = items.get(wish.item_id)
            if wish.quantity < 0 or quantity > MOST_QUANTITY:
                found.add(f"lines[{number}].quantity", "out_of_range", smallest="0", largest=str(MOST_QUANTITY))
            elif not quantity:
                lines.pop(wish.item_id, None)
            elif item is None:
                found.add(f"lines[{number}].item_id", "unknown_item")
            elif not item.on_sale_online:
                found.add(f"lines[{number}].item_id", "item_not_sold")
            else:
                lines[wish.item_id] = CartLine(wish.item_id, quantity, item.unit_price)
        if len(lines) > MOST_CART_LINES:
            found.add("lines", "cart_full", largest=str(MOST_CART_LINES))
        found.check()
        self.lines = tuple(lines.values())
        self._touch(now)

    def take_from(self, other: Cart) -> None:
        """Takes over an open cart's lines: quantities of one item add up, as far as a cart goes; the other is closed.

        Its own lines come first. The time stays that of whichever was changed last, for nobody has chosen anything anew.
        """
        self._check_open()
        lines = {line.item_id: line for line in self.lines}
        for line in other.lines:
            mine = lines.get(line.item_id)
            if mine:
                lines[line.item_id] = replace(mine, quantity=min(mine.quantity + line.quantity, MOST_QUANTITY))
            elif len(lines) < MOST_CART_LINES:
                lines[line.item_id] = line
        self.lines = tuple(lines.values())
        self._touch(max(self.changed_at, other.changed_at) if other.lines else self.changed_at)
        other.close(CartState.CLAIMED)

    def take_all(self, others: Sequence[Cart]) -> None:
        """Takes over the open carts of accounts that were merged into its owner's, in the order in which they were begun (F5)."""
        for other in sorted(others, key=lambda cart: cart.cart_id):
            self.take_from(other)

    def check_out(self, order_id: UUID, now: datetime) -> None:
        """Becomes an order. Raises StateConflict (cart_closed)."""
        self._check_open()
        self.state, self.order_id = CartState.CHECKED_OUT, order_id
        self._touch(now)

    def close(self, state: CartState) -> None:
        """Ends without an order, and holds nothing any more."""
        self.state, self.lines = state, ()
        self.version += 1

    def order_lines(self, seen: Sequence[Line], items: Mapping[UUID, Item], language: str) -> tuple[Line, ...]:
        """The lines of the order, if the customer has seen the cart as it is, at the prices of now.

        Raises StateConflict (cart_closed), InvalidInput (empty_lines; price_changed, item_not_sold, cart_changed by line of `seen`).
        """
        self._check_open()
        found = Violations()
        if not self.lines:
            raise InvalidInput.of("lines", "empty_lines")
        wanted = {line.item_id: line for line in self.lines}
        for number, line in enumerate(seen[: MOST_CART_LINES + 1]):
            mine, item = (
                wanted.pop(line.item_id, None) if line.item_id else None,
                items.get(line.item_id or UUID(int=0)),
            )
            if mine is None or mine.quantity != line.quantity:
                found.add(f"lines[{number}].quantity", "cart_changed")
            elif item is None or not item.on_sale_online:
                found.add(f"lines[{number}].item_id", "item_not_sold")
            elif item.unit_price != line.unit_price:
                found.add(f"lines[{number}].unit_price_minor", "price_changed", price=str(item.unit_price))
        if wanted:
            found.add("lines", "cart_changed")
        found.check()
        return tuple(_sold(line, items[line.item_id], language) for line in self.lines)

    def _check_open(self) -> None:
        if self.state is not CartState.OPEN:
            raise StateConflict("cart_closed")

    def _touch(self, now: datetime) -> None:
        self.changed_at = now
        self.version += 1


@dataclass(frozen=True, slots=True)
class ShownCart:
    """A cart with its items as they are now."""

    cart: Cart
    items: Mapping[UUID, Item]

    @property
    def lines(self) -> list[tuple[CartLine, Item]]:
        """Each line with its item."""
        return [(line, self.items[line.item_id]) for line in self.cart.lines]

    @property
    def subtotal(self) -> int:
        """What the lines that are sold come to."""
        return sum(line.quantity * item.unit_price for line, item in self.lines if item.on_sale_online)


def _sold(line: CartLine, item: Item, language: str) -> Line:
    return Line(item.sku, item.name_in(language), line.quantity, item.unit_price, item_id=item.item_id)


def left_out(carts: Sequence[Sequence[CartLine]], kept: Sequence[CartLine]) -> Sequence[CartLine]:
    """What of these carts' lines is not in the one that they were put together in: a cart has its limits."""
    had = {line.item_id: line for lines in carts for line in lines}
    counts = Counter({line.item_id: 0 for line in had.values()})
    for line in (line for lines in carts for line in lines):
        counts[line.item_id] += line.quantity
    counts.subtract({line.item_id: line.quantity for line in kept})
    return [replace(had[item_id], quantity=quantity) for item_id, quantity in counts.items() if quantity > 0]


def token_hash(token: str) -> bytes:
    """Under which a visitor's cart is kept. Raises InvalidInput (invalid_id) for what is no token of ours."""
    if not SHORTEST_TOKEN <= len(token) <= LONGEST_TOKEN:
        raise InvalidInput.of("cart.visitor_token", "invalid_id")
    return hashlib.sha256(token.encode()).digest()
