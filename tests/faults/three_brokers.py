"""A cluster of three brokers loses one, and then hangs in the middle (X; fault matrix, row 21; architecture, rule 4): `make brokers`."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import nats.errors
import pytest

from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS
from services.common.bus import Bus, BusUnavailable, stream_of
from tests.faults.balancer import Balancer
from tests.faults.client import Shop, until
from tests.faults.system import QuickCluster, System
from tests.faults.traffic import Traffic
from tests.support.stack import session_folder

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
PAUSE_SECONDS = float(os.environ.get("ONEFOLD_FAULT_PAUSE") or 12)


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[System]:
    """The whole system with two of each process and three brokers, each stream on all of them; its data stay after a failure."""
    stack = QuickCluster(session_folder("cluster"))
    with stack:
        yield System(stack, Balancer(lambda: stack.gateway_urls))
    if not request.session.testsfailed:
        stack.data.remove()


@pytest.fixture
def shop(cluster: System) -> Iterator[Shop]:
    """A store in the cluster."""
    shop = cluster.open_shop()
    yield shop
    shop.close()


def test_a_broker_that_dies_and_a_leader_that_hangs_lose_and_double_nothing(cluster: System, shop: Shop) -> None:
    """Orders are taken all the while, and events are read while the broker is only two; afterwards the audit is clean (X, E, N)."""
    shop.members(5)
    traffic = Traffic(shop, seed=21, pause=0.2)
    traffic.start()
    try:
        _placed(traffic, 5)
        dead = _leader(cluster)
        cluster.process(dead).kill()
        _events_flow(cluster, traffic)
        cluster.process(dead).start()
        until(lambda: _copies(cluster) == 3 * len(CONTEXTS), 90, "every stream is on three brokers again")
        with _hanging(cluster, _leader(cluster)):
            _events_flow(cluster, traffic)
        until(lambda: _copies(cluster) == 3 * len(CONTEXTS), 90, "who hung has caught up")
        _placed(traffic, 5)
    finally:
        traffic.end()
    cluster.audit(90)
    traffic.check_orders(cluster)
    traffic.check_merges()


def _placed(traffic: Traffic, more: int) -> None:
    count = len(traffic.orders)
    until(lambda: len(traffic.orders) >= count + more or traffic.stop.is_set(), 60, "orders are taken")


def _events_flow(cluster: System, traffic: Traffic) -> None:
    """Orders placed from now on are published by the two brokers that are left."""
    _placed(traffic, 5)
    [(last,)] = cluster.rows("orders", "SELECT max(seq) FROM outbox")
    waits = "SELECT count(*) FROM outbox WHERE published_at IS NULL AND seq <= $1"
    until(lambda: cluster.rows("orders", waits, last) == [(0,)], 60, "what was committed is published")


@contextmanager
def _hanging(cluster: System, name: str) -> Iterator[None]:
    """The broker is there and does nothing, for PAUSE_SECONDS at least: who talks to it must notice and go to another."""
    began, process = time.monotonic(), cluster.process(name)
    process.signal(signal.SIGSTOP)
    try:
        yield
        time.sleep(max(0.0, began + PAUSE_SECONDS - time.monotonic()))
    finally:
        process.signal(signal.SIGCONT)


def _leader(cluster: System) -> str:
    """The process that leads the stream of orders, once one does."""

    def leads() -> str:
        orders = run_sync(_clusters(cluster)).get("orders")
        return (orders.leader or "") if orders else ""

    number = until(leads, 60, "the stream of orders has a leader").rpartition("_")[2]
    return "nats" if number == "1" else f"nats-{number}"


def _copies(cluster: System) -> int:
    """Brokers that have all of a stream, summed over the streams."""
    found = run_sync(_clusters(cluster)).values()
    return sum(bool(each.leader) + sum(bool(peer.current) for peer in each.replicas or []) for each in found)


async def _clusters(cluster: System):  # type: ignore[no-untyped-def]  # nats-py's ClusterInfo, which is known in common/bus.py
    """Of each context's stream; nothing while brokers are choosing who leads."""
    bus = Bus(cluster.stack.settings.nats_url, name="test")
    try:
        async with asyncio.timeout(30):
            js = await bus.jetstream()
            return {context: (await js.stream_info(stream_of(context))).cluster for context in CONTEXTS}
    except (BusUnavailable, nats.errors.Error, TimeoutError):
        return {}
    finally:
        await bus.close()
