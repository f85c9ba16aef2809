"""The file of all that is kept about a member (C6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from gateway.storefront import told
from gateway.storefront.download import _told, _written
from onefold.membership.v1 import registration_pb2 as registration
from onefold.membership.v1 import service_pb2 as membership
from onefold.orders.v1 import service_pb2 as orders
from services.common.errors import Unavailable


def pages(*found: Sequence[int], fails: bool = False) -> Iterator[Sequence[int]]:
    """Pages of a list, and perhaps a service that is away when it is asked for one more."""
    yield from found
    if fails:
        raise Unavailable("service_unavailable")


def row(number: int) -> dict[str, Any]:
    return {"number": number}


def test_lists_of_several_pages_and_empty_ones_make_one_document() -> None:
    lists = {"orders": _told(pages([1, 2], [3]), row), "messages": _told(pages([]), row)}
    file = b"".join(_written({"format": "x", "profile": {"name": "陳大文"}}, lists))
    assert orjson.loads(file) == {
        "format": "x",
        "profile": {"name": "陳大文"},
        "orders": [{"number": 1}, {"number": 2}, {"number": 3}],
        "messages": [],
    }


def test_what_cannot_be_read_to_its_end_is_no_document() -> None:
    """The first page is read before anything is sent, so that the reader gets a page that says why."""
    with pytest.raises(Unavailable):
        _told(pages(fails=True), row)
    written = _written({"format": "x"}, {"orders": _told(pages([1], fails=True), row)})
    sent: list[bytes] = []
    with pytest.raises(Unavailable):
        sent.extend(written)
    with pytest.raises(orjson.JSONDecodeError):
        orjson.loads(b"".join(sent))


def test_an_order_is_told_with_its_lines_and_words_for_its_codes() -> None:
    order = orders.Order(
        number=7,
        status=orders.ORDER_STATUS_PARTLY_REFUNDED,
        channel=orders.CHANNEL_STOREFRONT,
        lines=[orders.OrderLine(title="烏龍茶", quantity=2, unit_price_minor=4_500, total_minor=9_000)],
        payments=[orders.Payment(amount_minor=9_000, method=orders.PAYMENT_METHOD_ONLINE)],
    )
    order.placed_at.FromDatetime(datetime(2026, 11, 30, 9, tzinfo=UTC))
    document = told.order(order)
    assert (document["status"], document["channel"]) == ("partly_refunded", "storefront")
    assert document["placed_at"] == "2026-11-30T09:00:00+00:00"
    assert [(line["title"], line["total_minor"]) for line in document["lines"]] == [("烏龍茶", 9_000)]
    assert document["payments"][0]["method"] == "online"
    assert document["paid_at"] is None


def test_of_the_stores_people_no_more_is_told_than_that_it_was_they() -> None:
    at = datetime(2026, 11, 30, tzinfo=UTC)
    for actor, who in (
        ("staff:0190", "store"),
        ("api_key:0190", "store"),
        ("customer:0190", "you"),
        ("service:membership", "system"),
    ):
        entry = membership.PointsEntry(points=5, reason=membership.POINTS_REASON_AWARDED, actor=actor)
        entry.at.FromDatetime(at)
        assert told.points_entry(entry)["by"] == who
    assert told.consent(registration.UseConsent(kind="sms_marketing"))["by"] is None


def test_a_code_of_a_later_release_is_told_as_its_number() -> None:
    assert told.points_entry(membership.PointsEntry(reason=99))["reason"] == "99"  # type: ignore[arg-type]
