"""What Prometheus finds at each process (H6)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import httpx

from deploy.local.settings import WATCHED
from tests.faults.client import somebody, until
from tests.integration.observability.conftest import Observed

_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)


def metrics_of(observed: Observed, name: str) -> Mapping[str, float]:
    """What a process tells, by name and labels as they are written."""
    text = httpx.get(observed.system.stack.running.metrics[name], trust_env=False).raise_for_status().text
    return {f"{name}{{{labels}}}" if labels else name: float(value) for name, labels, value in _SAMPLE.findall(text)}


def test_requests_calls_and_events_are_counted_where_they_are_served(observed: Observed) -> None:
    """By the route's template and the method's name; the gateway's processes answer as one."""
    order = observed.shop.order(somebody())
    observed.shop.settled(order["order_id"])
    gateway, serve = metrics_of(observed, "gateway"), metrics_of(observed, "orders-serve")
    method = "onefold.orders.v1.OrdersService/CreateOrder"
    route = 'onefold_http_request_seconds_count{method="POST",route="/api/v1/orders",status="2xx"}'
    placed = gateway[route]
    assert placed >= 1
    assert gateway[f'onefold_rpc_client_seconds_count{{code="OK",method="{method}"}}'] == placed
    assert serve[f'onefold_rpc_server_seconds_count{{code="OK",method="{method}"}}'] == placed
    assert serve['onefold_database_connections_most{process="serve",service="orders"}'] == 16
    work = metrics_of(observed, "orders-work")
    assert work['onefold_events_published_total{service="orders"}'] >= placed
    applied = 'onefold_events_applied_total{publisher="orders",service="membership"}'
    assert metrics_of(observed, "membership-work")[applied] >= 1


def test_what_waits_is_looked_at_by_every_worker(observed: Observed) -> None:
    """Outbox, dead letters, messages, merges, consumers: each of them is told, of all stores together and by no store's name."""
    queues = {
        "membership": {"removals", "guests", "imports", "level_runs", "invitation_runs"},
        "orders": {"erasures", "bulk_runs", "provider_refunds"},
        "identity_merge": {"merges", "merge_batches"},
        "notification": {"email", "email_put_off", "sms", "sms_put_off", "messages_unknown", "webhooks"},
    }
    for service, own in queues.items():
        told = until(partial(_sampled, observed, f"{service}-work"), 40, f"{service} has looked")
        for queue in own | {"outbox", "dead_letters"}:
            labels = f'{{queue="{queue}",service="{service}"}}'
            assert told[f"onefold_queue_length{labels}"] >= 0
            assert told[f"onefold_queue_oldest_seconds{labels}"] >= 0
        assert told[f'onefold_ready{{need="broker",process="work",service="{service}"}}'] == 1
    away = metrics_of(observed, "notification-work")['onefold_message_server_away{channel="email"}']
    assert away == 0


def _sampled(observed: Observed, name: str) -> Mapping[str, float] | None:
    told = metrics_of(observed, name)
    return told if any(key.startswith("onefold_consumer_pending") for key in told) else None


def test_no_label_names_a_store_or_holds_an_id(observed: Observed) -> None:
    """Bounded cardinality: labels come from the code alone."""
    ids = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}|\d{5,}|@")
    for name in WATCHED:
        for key in metrics_of(observed, name):
            assert not ids.search(key), key
            assert observed.shop.slug not in key
