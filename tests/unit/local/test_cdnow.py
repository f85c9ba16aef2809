"""The purchase history is what the data set says, and its people are made up the same way each time."""

from __future__ import annotations

import itertools

import phonenumbers

from deploy.local.cdnow import (
    CUSTOMERS_COUNT,
    ORDERS_COUNT,
    by_customer,
    expected_totals,
    name_of,
    phone_of,
    purchases,
)

# Reckoned from the file by other means: awk '{s+=$4} END {printf "%.2f", s}'.
TOTAL_MINOR = 250_031_563


def test_the_history_is_complete_to_the_cent() -> None:
    totals = expected_totals(range(ORDERS_COUNT))
    assert (totals.orders, len(totals.by_phone), totals.value_minor) == (ORDERS_COUNT, CUSTOMERS_COUNT, TOTAL_MINOR)
    assert sum(customer.value_minor for customer in totals.by_phone.values()) == TOTAL_MINOR


def test_totals_count_only_the_orders_that_were_loaded() -> None:
    first, second = purchases()[:2]
    totals = expected_totals([second.index])
    assert totals.orders == 1
    assert totals.value_minor == second.value_minor
    assert phone_of(first.customer) not in totals.by_phone


def test_every_order_comes_to_its_value_in_the_file_exactly() -> None:
    for purchase in purchases():
        (line,) = purchase.body()["lines"]
        assert line["quantity"] * line["unit_price_minor"] - line["discount_minor"] == purchase.value_minor
        assert 0 <= line["discount_minor"] < line["quantity"]


def test_every_order_has_a_key_of_its_own() -> None:
    assert len({purchase.key for purchase in purchases()}) == ORDERS_COUNT


def test_orders_of_a_customer_are_together_and_in_the_order_of_time() -> None:
    groups = list(by_customer(purchases()))
    assert len(groups) == CUSTOMERS_COUNT
    for group in groups:
        assert all(one.day <= next_one.day for one, next_one in itertools.pairwise(group))


def test_every_customer_has_a_valid_mobile_that_nobody_shares() -> None:
    phones = [phone_of(customer) for customer in range(1, CUSTOMERS_COUNT + 1)]
    assert len(set(phones)) == CUSTOMERS_COUNT
    for phone in phones:
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_valid_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert phonenumbers.region_code_for_number(number) in {"HK", "TW"}


def test_names_are_chinese_and_some_english_and_stay_the_same() -> None:
    names = [name_of(customer) for customer in range(1, 200)]
    name_of.cache_clear()
    assert [name_of(customer) for customer in range(1, 200)] == names
    english = [name for name in names if name.isascii()]
    assert len(english) == 199 // 7
    assert all(2 <= len(name) <= 4 for name in names if not name.isascii())
