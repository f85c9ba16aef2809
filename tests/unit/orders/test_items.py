"""The rules of the price list."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from services.common.errors import Conflict, InvalidInput
from services.common.ids import new_id
from services.common.money import LARGEST_AMOUNT
from services.orders.domain import Item, ItemDraft, read_item, search_patterns

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DRAFT = ItemDraft("Oolong tea", "烏龍茶", "OOL-1", 4_500, True, True)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"name_en": " \n", "name_zh": "\u200b\0".strip("\u200b")}, "name_en", "required"),
        ({"name_zh": "茶" * 201}, "name_zh", "too_long"),
        ({"name_en": "x" * 1_000_000}, "name_en", "too_long"),
        ({"sku": "x" * 65}, "sku", "too_long"),
        ({"unit_price": -1}, "unit_price_minor", "negative_amount"),
        ({"unit_price": LARGEST_AMOUNT + 1}, "unit_price_minor", "amount_too_large"),
        ({"position": -1}, "position", "out_of_range"),
        ({"position": 1_000_001}, "position", "out_of_range"),
    ],
)
def test_what_is_wrong_with_an_item_is_told_by_field(change: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_item(replace(DRAFT, **change))
    assert [(v.field, v.reason) for v in refused.value.violations] == [(field, reason)]


def test_names_in_any_script_are_kept_and_one_is_enough() -> None:
    """Right to left, emoji, characters outside the first plane."""
    for name in ("شاي أولونغ", "🍵 tea", "𠮷野茶"):
        assert read_item(replace(DRAFT, name_en=name, name_zh="")).name_en == name
    item = Item.create(new_id(), replace(DRAFT, name_en=""), 10, actor="staff:1", now=NOW)
    assert [item.name_in(language) for language in ("en", "zh-Hant")] == ["烏龍茶", "烏龍茶"]


def test_an_item_changes_for_whoever_saw_it_last() -> None:
    item = Item.create(new_id(), DRAFT, 10, actor="staff:1", now=NOW)
    assert (item.position, item.version) == (10, 1)
    item.change(replace(DRAFT, unit_price=5_000, archived=True), 1, actor="staff:2", now=NOW)
    assert (item.unit_price, item.archived, item.position, item.version) == (5_000, True, 10, 2)
    with pytest.raises(Conflict, match="stale_version"):
        item.change(DRAFT, 1, actor="staff:3", now=NOW)
    item.change(replace(DRAFT, position=3), 0, actor="staff:3", now=NOW)
    assert (item.position, item.archived, item.changed_by) == (3, False, "staff:3")


def test_a_search_is_its_words_without_what_a_database_cannot_read() -> None:
    assert search_patterns("  Ｏolong\0 茶_ ") == ["%oolong%", "%茶\\_%"]
    assert len(search_patterns("a " * 1_000)) == 10
