"""What the API makes of bodies that are not what they should be: every fault named, by field and stable reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from gateway.api.directory_models import CustomersQuery
from gateway.api.invalid import from_pydantic
from gateway.api.order_lists import OrdersQuery
from gateway.api.order_models import OrderIn
from onefold.orders.v1 import service_pb2 as pb
from services.common.errors import InvalidInput

LINE = {"title": "Tea", "quantity": 2, "unit_price_minor": 4_500}
ORDER: dict[str, Any] = {
    "paid": True,
    "contact": {"name": "陳大文", "phone": "9451 2053"},
    "currency": "HKD",
    "lines": [LINE],
}


def faults(body: Any) -> set[tuple[str, str]]:
    """(field, reason) of everything wrong with an order."""
    with pytest.raises(ValidationError) as caught:
        OrderIn.model_validate_json(body if isinstance(body, (str, bytes)) else json.dumps(body))
    error = from_pydantic(caught.value)
    return {(v.field, v.reason) for v in error.violations} if isinstance(error, InvalidInput) else {("", error.reason)}


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"paid": "yes"}, "paid", "wrong_type"),
        ({"customer_id": "42"}, "customer_id", "invalid_id"),
        ({"customer_id": 42}, "customer_id", "invalid_id"),
        ({"channel": "fax"}, "channel", "unknown_value"),
        ({"payment_method": "barter"}, "payment_method", "unknown_value"),
        ({"language": "fr"}, "language", "unknown_value"),
        ({"currency": None}, "currency", "wrong_type"),
        ({"lines": {}}, "lines", "wrong_type"),
        ({"lines": [LINE | {"quantity": 1.5}]}, "lines[0].quantity", "quantity_out_of_range"),
        ({"lines": [LINE, LINE | {"quantity": 2**40}]}, "lines[1].quantity", "quantity_out_of_range"),
        ({"lines": [LINE | {"unit_price_minor": "45.00"}]}, "lines[0].unit_price_minor", "invalid_amount"),
        ({"lines": [LINE | {"unit_price_minor": 45.5}]}, "lines[0].unit_price_minor", "invalid_amount"),
        ({"lines": [LINE | {"unit_price_minor": 2**70}]}, "lines[0].unit_price_minor", "amount_too_large"),
        ({"discount_minor": -(2**70)}, "discount_minor", "negative_amount"),
        ({"lines": [{"quantity": 1, "unit_price_minor": 1}]}, "lines[0].title", "required"),
        ({"contact": {"telephone": "1"}}, "contact.telephone", "unknown_field"),
        ({"contact": "Chan"}, "contact", "wrong_type"),
        ({"placed_at": "yesterday"}, "placed_at", "invalid_date"),
        ({"placed_at": "2026-11-24T10:00:00"}, "placed_at", "invalid_date"),
        ({"placed_at": "0001-01-01T00:00:00+14:00"}, "placed_at", "invalid_date"),
        ({"colour": "red"}, "colour", "unknown_field"),
    ],
)
def test_a_fault_is_named_by_field_and_reason(change: dict[str, Any], field: str, reason: str) -> None:
    assert faults(ORDER | change) == {(field, reason)}


def test_all_faults_are_told_at_once() -> None:
    assert faults({"paid": True, "currency": "HKD", "lines": [LINE | {"quantity": "two"}], "note": 7}) == {
        ("lines[0].quantity", "quantity_out_of_range"),
        ("note", "wrong_type"),
    }


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '"text"', "null", b"\xff\xfe", '{"note": "\\ud800"}'])
def test_what_is_no_json_object_is_told_as_such(body: str | bytes) -> None:
    assert faults(body) == {("", "malformed_request")}


def test_an_order_arrives_at_the_service_as_it_was_sent() -> None:
    body = ORDER | {
        "channel": "pos",
        "placed_at": "2026-11-24T10:00:00+08:00",
        "payment_method": "cash",
        "language": "zh-Hant",
    }
    message = OrderIn.model_validate_json(json.dumps(body)).message()
    assert (message.paid, message.channel, message.payment_method) == (True, pb.CHANNEL_POS, pb.PAYMENT_METHOD_CASH)
    assert message.contact.name == "陳大文"
    assert message.placed_at.ToJsonString() == "2026-11-24T02:00:00Z"
    assert [(line.title, line.quantity, line.unit_price_minor) for line in message.lines] == [("Tea", 2, 4_500)]


@pytest.mark.parametrize(
    ("paid", "said", "wish"), [(True, None, True), (False, None, False), (True, False, False), (False, True, True)]
)
def test_add_as_a_member_is_on_by_default_for_paid_orders(paid: bool, said: bool | None, wish: bool) -> None:
    """A4."""
    body = ORDER | {"paid": paid, "add_as_member": said}
    assert OrderIn.model_validate_json(json.dumps(body)).message().add_as_member is wish


@pytest.mark.parametrize(
    ("query", "field", "reason"),
    [
        ({"page_size": "101"}, "page_size", "too_large"),
        ({"page_size": "0"}, "page_size", "unknown_value"),
        ({"page_size": "many"}, "page_size", "not_a_whole_number"),
        ({"status": ["lost"]}, "status[0]", "unknown_value"),
        ({"sort": "name"}, "sort", "unknown_field"),
    ],
)
def test_a_query_is_read_as_strictly(query: dict[str, Any], field: str, reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        OrdersQuery.model_validate(query)
    error = from_pydantic(caught.value)
    assert isinstance(error, InvalidInput)
    assert {(v.field, v.reason) for v in error.violations} == {(field, reason)}


def test_a_query_arrives_as_text_and_is_understood() -> None:
    query = CustomersQuery.model_validate({"page_size": "10", "members_only": "true", "query": "大文"})
    assert (query.page_size, query.members_only, query.query) == (10, True, "大文")
