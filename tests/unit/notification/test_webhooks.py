"""What merchants' systems are told, and what follows from how they answer (H4)."""

from __future__ import annotations

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from onefold.notification.v1 import webhook_events_pb2
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.notification.consumers.webhooks import PUBLIC
from services.notification.domain import (
    DELAYS,
    TEST_TYPE,
    Answer,
    DeliveryState,
    DisabledBecause,
    WebhookWish,
    judge,
)
from services.notification.events import WEBHOOK_TYPES, data_of

# What says who somebody is, in the contracts' words.
_PERSONAL = {"name", "phone", "email", "recipient", "value", "address", "contact", "note", "birthday", "identifiers"}


def test_each_public_type_is_declared_and_each_declared_one_is_sent() -> None:
    assert {event_type for event_type, _ in PUBLIC.values()} | {TEST_TYPE} == set(WEBHOOK_TYPES)


def test_no_webhook_says_who_somebody_is() -> None:
    """C12: so nothing of what was sent, or is kept of it, has to be found again when somebody is erased."""
    fields = {
        field.name
        for message in webhook_events_pb2.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
    }
    assert fields & _PERSONAL == set()


def test_an_order_is_told_with_numbers_words_times_and_nulls() -> None:
    order = orders_pb.Order(
        order_id=str(new_id()),
        number=2**53 + 1,
        customer_id=str(new_id()),
        status=orders_pb.ORDER_STATUS_UNPAID,
        channel=orders_pb.CHANNEL_POS,
        currency="HKD",
        total_minor=132450,
        placed_at=Timestamp(seconds=1_790_000_000, nanos=250_000_000),
        version=3,
    )
    event_type, write = PUBLIC[orders.OrderPlaced]
    event = Delivered(new_id(), new_id(), "orders.order_placed.v1", 3, orders.OrderPlaced(order=order), "")
    message = write(event)
    assert message is not None
    assert event_type == "order.placed"
    assert data_of(message) == {
        "order_id": order.order_id,
        "number": 2**53 + 1,
        "customer_id": order.customer_id,
        "status": "unpaid",
        "channel": "pos",
        "currency": "HKD",
        "total_minor": 132450,
        "paid_minor": 0,
        "refunded_minor": 0,
        "external_reference": None,
        "tracking": None,
        "placed_at": "2026-09-21T14:13:20.250Z",
        "paid_at": None,
        "version": 3,
    }


def test_orders_that_a_merge_moves_are_told_by_the_merge() -> None:
    _, write = PUBLIC[orders.OrdersRelinked]
    for run, told in (("", True), (str(new_id()), False)):
        moved = orders.OrdersRelinked(customer_id=str(new_id()), order_ids=[str(new_id())], merge_run_id=run)
        event = Delivered(new_id(), new_id(), "orders.orders_relinked.v1", 0, moved, "")
        assert (write(event) is not None) is told


def test_a_delivery_is_tried_for_about_a_day_and_then_given_up() -> None:
    refusal = Answer(500, "status")
    waits = [judge(refusal, tries, 0).retry_seconds for tries in range(1, len(DELAYS) + 1)]
    assert all(delay <= wait <= delay * 1.1 for delay, wait in zip(DELAYS, waits, strict=True))
    assert 24 * 3600 < sum(DELAYS) < sum(DELAYS) * 1.1 < 28.5 * 3600
    assert judge(refusal, len(DELAYS), 0).state is DeliveryState.QUEUED
    assert judge(refusal, len(DELAYS) + 1, 0).state is DeliveryState.FAILED


def test_what_an_endpoint_says_decides_what_follows() -> None:
    for status in (200, 201, 204, 299):
        assert judge(Answer(status), 1, 9).state is DeliveryState.DELIVERED
    gone = judge(Answer(410, "status"), 1, 0)
    assert (gone.state, gone.disable) == (DeliveryState.FAILED, DisabledBecause.GONE)
    busy = judge(Answer(429, "status", retry_after=120), 1, 0)
    assert (busy.state, busy.rest_seconds) == (DeliveryState.QUEUED, 120)
    assert busy.retry_seconds == 120


def test_an_endpoint_that_goes_on_failing_rests_longer_and_longer_and_at_most_ten_minutes() -> None:
    rests = [judge(Answer(error="timeout"), 1, failures).rest_seconds for failures in range(12)]
    assert rests[:4] == [0, 0, 5, 10]
    assert rests == sorted(rests)
    assert rests[-1] == 600


def test_types_that_do_not_exist_and_long_descriptions_are_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        WebhookWish.read("x" * 201, ["order.paid", "order.payd"], frozenset({"order.paid"}))
    assert [(v.field, v.reason) for v in refusal.value.violations] == [
        ("description", "too_long"),
        ("event_types[1]", "event_type_unknown"),
    ]
    wish = WebhookWish.read(" the shop ", ["order.paid", "order.paid"], frozenset({"order.paid"}))
    assert wish == WebhookWish("the shop", ("order.paid",))
