"""The catalogue of events is whole, and its examples are what is really sent (H4, H5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

from deploy.audit.events import readers
from deploy.local.state import CONTEXTS
from gateway.api.webhook_models import EVENT_TYPES
from gateway.catalogue import Event, WebhookEvent, contracts
from gateway.console import webhook_words
from onefold.common.v1 import audit_pb2
from onefold.notification.v1 import webhook_events_pb2
from services.common.outbox import type_of
from services.notification.events import WEBHOOK_TYPES, data_of

KNOWN = list(contracts().contexts())


def declared(context: str) -> Iterator[type[Message]]:
    """Messages of a contract of events; those of which others are made are no events."""
    module: Any = import_module(f"onefold.{context}.v1.events_pb2")
    messages = list(module.DESCRIPTOR.message_types_by_name.values())
    inner = {field.message_type.full_name for m in messages for field in m.fields if field.message_type}
    yield from (getattr(module, m.name) for m in messages if m.full_name not in inner)
    yield audit_pb2.AuditNoted


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_event_is_in_the_catalogue(context: str) -> None:
    """A new message of events.proto is there by itself, if `make proto` has been run."""
    entries = next(known for known in KNOWN if known.name == context)
    assert {event.subject for event in entries.events} == {f"onefold.{type_of(m, context)}" for m in declared(context)}
    read = {f"onefold.{kind}" for (publisher, _), kinds in readers().items() if publisher == context for kind in kinds}
    assert read <= {event.subject for event in entries.events}


EVENTS = [event for known in KNOWN for event in known.events]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.subject)
def test_an_entry_says_when_and_about_what_and_its_example_can_be_read(event: Event) -> None:
    assert event.when.endswith(".")
    assert "ggregate" not in event.when
    assert event.aggregate
    assert event.fields
    _, context, name, _ = event.subject.split(".")
    classes = {f"onefold.{type_of(m, context)}": m for m in declared(context)}
    json_format.Parse(event.example, classes[event.subject]())
    assert name


WEBHOOKS = list(contracts().webhooks())


def test_every_type_of_webhook_is_in_the_catalogue_and_can_be_chosen_by_its_words() -> None:
    assert {event.type for event in WEBHOOKS} == set(WEBHOOK_TYPES) == {*EVENT_TYPES, "webhook.test"}
    worded = [word for _about, words in webhook_words.EVENT_TYPES for word in words]
    assert sorted(worded) == sorted(EVENT_TYPES)


@pytest.mark.parametrize("event", WEBHOOKS, ids=lambda event: event.type)
def test_the_example_of_a_webhook_is_of_the_shape_that_is_sent(event: WebhookEvent) -> None:
    body = json.loads(event.example)
    assert set(body) == {"type", "timestamp", "data"}
    assert body["type"] == event.type
    message = getattr(webhook_events_pb2, WEBHOOK_TYPES[event.type])()
    sent = data_of(message)
    assert list(body["data"]) == list(sent) == [field.name for field in event.fields]
    for name, value in sent.items():  # what is no null when it is empty is of the example's type
        assert value is None or type(value) is type(body["data"][name]), name
    assert event.when.endswith(".")
