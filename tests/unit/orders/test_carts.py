"""The rules of carts (E4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import InvalidInput, StateConflict
from services.common.ids import new_id
from services.orders.domain import (
    MOST_CART_LINES,
    MOST_QUANTITY,
    Cart,
    CartLine,
    CartRef,
    CartState,
    CartWish,
    Item,
    ItemDraft,
    Line,
    token_hash,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DRAFT = ItemDraft("Oolong tea", "烏龍茶", "OOL-1", 4_500, True, True)
SHELF = {
    item.item_id: item
    for item in (Item.create(new_id(), replace(DRAFT, sku=str(n)), n, actor="staff:1", now=NOW) for n in range(120))
}
IDS = list(SHELF)


def cart(*lines: tuple[UUID, int], owner: UUID | None = None, at: datetime = NOW) -> Cart:
    made = Cart.begin(new_id(), CartRef(customer_id=owner), at)
    made.put([CartWish(item_id, quantity) for item_id, quantity in lines], SHELF, at)
    return made


def held(of: Cart) -> dict[UUID, int]:
    return {line.item_id: line.quantity for line in of.lines}


def faults(of: Cart, *wishes: CartWish) -> list[tuple[str, str]]:
    before = of.lines
    with pytest.raises(InvalidInput) as refused:
        of.put(wishes, SHELF, NOW)
    assert of.lines == before, "all or nothing"
    return [(v.field, v.reason) for v in refused.value.violations]


contents = st.dictionaries(st.sampled_from(IDS[:12]), st.integers(1, MOST_QUANTITY), max_size=12)


@given(contents, contents)
def test_carts_that_merge_add_up_within_their_bounds_and_once(mine: dict[UUID, int], theirs: dict[UUID, int]) -> None:
    """F5: what was in either is in the one that stays; the other holds nothing any more."""
    first, second = cart(*mine.items()), cart(*theirs.items())
    first.take_from(second)
    assert held(first) == {
        item_id: min(mine.get(item_id, 0) + theirs.get(item_id, 0), MOST_QUANTITY) for item_id in {**mine, **theirs}
    }
    assert (second.state, second.lines) == (CartState.CLAIMED, ())
    assert list(held(first))[: len(mine)] == list(mine)


@given(st.lists(st.tuples(st.sampled_from(IDS[:5]), st.integers(0, 40), st.booleans()), max_size=15))
def test_a_cart_holds_what_was_wished_last_or_added_up(wishes: list[tuple[UUID, int, bool]]) -> None:
    """Against a dictionary."""
    mine, model = cart(), dict[UUID, int]()
    for item_id, quantity, add in wishes:
        mine.put([CartWish(item_id, quantity, add)], SHELF, NOW)
        model[item_id] = quantity + (model.get(item_id, 0) if add else 0)
        if not model[item_id]:
            del model[item_id]
    assert held(mine) == model


def test_what_cannot_be_in_a_cart_is_told_by_line() -> None:
    """0 takes out, whatever has become of the item."""
    archived = Item.create(new_id(), replace(DRAFT, archived=True), 1, actor="staff:1", now=NOW)
    at_the_counter = Item.create(new_id(), replace(DRAFT, sold_online=False), 1, actor="staff:1", now=NOW)
    shelf = SHELF | {item.item_id: item for item in (archived, at_the_counter)}
    mine = cart((IDS[0], 2))
    for quantity in (-1, -(2**31), 1_000, 2**31 - 1):
        assert faults(mine, CartWish(IDS[0], quantity)) == [("lines[0].quantity", "out_of_range")]
    assert faults(mine, CartWish(IDS[1], 1), CartWish(IDS[0], 998, add=True)) == [("lines[1].quantity", "out_of_range")]
    assert faults(mine, CartWish(new_id(), 1)) == [("lines[0].item_id", "unknown_item")]
    for item in (archived, at_the_counter):
        with pytest.raises(InvalidInput, match="item_not_sold"):
            mine.put([CartWish(item.item_id, 1)], shelf, NOW)
        mine.put([CartWish(item.item_id, 0)], shelf, NOW)
    assert faults(cart(), *(CartWish(item_id, 1) for item_id in IDS)) == [("lines", "cart_full")]
    full = cart(*((item_id, 1) for item_id in IDS[:MOST_CART_LINES]))
    full.take_from(cart((IDS[0], 1), (IDS[-1], 1)))
    assert len(full.lines) == MOST_CART_LINES
    assert held(full)[IDS[0]] == 2


def test_an_order_is_made_of_what_the_customer_has_seen_or_not_at_all() -> None:
    """Prices of the list alone; whatever is otherwise by now is named."""
    mine = cart((IDS[0], 2), (IDS[1], 1))
    seen = [Line("", "", 2, 4_500, item_id=IDS[0]), Line("", "", 1, 4_500, item_id=IDS[1])]
    lines = mine.order_lines(seen, SHELF, "zh-Hant")
    assert [(line.title, line.quantity, line.unit_price, line.item_id) for line in lines] == [
        ("烏龍茶", 2, 4_500, IDS[0]),
        ("烏龍茶", 1, 4_500, IDS[1]),
    ]
    dearer = SHELF | {IDS[0]: replace(SHELF[IDS[0]], unit_price=5_000), IDS[1]: replace(SHELF[IDS[1]], archived=True)}
    for shown, shelf, expected in (
        (seen, dearer, [("lines[0].unit_price_minor", "price_changed"), ("lines[1].item_id", "item_not_sold")]),
        ([replace(seen[0], unit_price=1), seen[1]], SHELF, [("lines[0].unit_price_minor", "price_changed")]),
        ([replace(seen[0], quantity=3), seen[1]], SHELF, [("lines[0].quantity", "cart_changed")]),
        (seen[:1], SHELF, [("lines", "cart_changed")]),
        ([*seen, seen[0]], SHELF, [("lines[2].quantity", "cart_changed")]),
        ([*seen, Line("", "Free tea", 1, 0)], SHELF, [("lines[2].quantity", "cart_changed")]),
    ):
        with pytest.raises(InvalidInput) as refused:
            mine.order_lines(shown, shelf, "en")
        assert [(v.field, v.reason) for v in refused.value.violations] == expected
    with pytest.raises(InvalidInput, match="empty_lines"):
        cart().order_lines([], SHELF, "en")
    with pytest.raises(InvalidInput):
        mine.order_lines([replace(seen[0], item_id=new_id())] * 10_000, SHELF, "en")


def test_a_cart_that_has_become_an_order_stays_that() -> None:
    mine = cart((IDS[0], 1))
    mine.check_out(new_id(), NOW)
    for attempt in (
        lambda: mine.put([], SHELF, NOW),
        lambda: mine.check_out(new_id(), NOW),
        lambda: mine.take_from(cart((IDS[0], 1))),
        lambda: mine.order_lines([], SHELF, "en"),
    ):
        with pytest.raises(StateConflict, match="cart_closed"):
            attempt()


def test_a_merge_leaves_the_time_at_which_a_cart_was_last_changed_by_a_person() -> None:
    """C3."""
    mine, theirs = cart((IDS[0], 1)), cart((IDS[1], 1), at=NOW + timedelta(days=1))
    mine.take_from(cart(at=NOW + timedelta(days=9)))
    assert mine.changed_at == NOW
    mine.take_from(theirs)
    assert mine.changed_at == NOW + timedelta(days=1)


def test_a_reference_with_an_owner_opens_the_owners_cart_alone() -> None:
    """S."""
    owner, digest = new_id(), token_hash("t" * 22)
    mine, theirs = cart(owner=owner), Cart(new_id(), CartState.OPEN, digest, None, (CartLine(IDS[0], 1, 1),), NOW, 1)
    assert mine.belongs_to(CartRef(mine.cart_id))
    assert mine.belongs_to(CartRef(mine.cart_id, customer_id=owner))
    assert not mine.belongs_to(CartRef(mine.cart_id, customer_id=new_id()))
    assert not mine.belongs_to(CartRef(mine.cart_id, token_hash=digest))
    assert theirs.belongs_to(CartRef(token_hash=digest))
    assert not theirs.belongs_to(CartRef(token_hash=token_hash("u" * 22)))
    for token in ("", "t" * 21, "t" * 201):
        with pytest.raises(InvalidInput, match="invalid_id"):
            token_hash(token)
