"""The simulation of deploy/scale agrees with what is known of queues, and with what was measured."""

from __future__ import annotations

import pytest

from tests.bench.scale import measured
from tests.bench.scale.plan import cell_limit, latency, obstacles, plan, today
from tests.bench.scale.queueing import erlang_c, mean_wait
from tests.bench.scale.simulation import Line


def test_one_server_waits_as_the_textbook_says() -> None:
    """M/M/1: the queue takes ρ / (1 - ρ) service times."""
    assert erlang_c(1, 0.8) == pytest.approx(0.8)
    assert mean_wait(1, 0.8, 1.0) == pytest.approx(4.0)


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.6), (4, 0.8), (16, 0.9)], ids=str)
def test_the_simulation_waits_as_erlang_reckoned(servers: int, busy: float) -> None:
    line = Line({"station": servers}, {"station": 1.0}, seed=7)
    line.open(busy * servers * 1_000, 40_000)
    assert sum(line.waits) / len(line.waits) == pytest.approx(mean_wait(servers, busy * servers, 1.0), rel=0.15)


def test_the_simulation_gives_the_rate_that_was_measured_today() -> None:
    """32 clients on what two cores had left for them."""
    assert today() == pytest.approx(measured.MEASURED_RATE, rel=0.1)


def test_a_plan_keeps_everything_below_its_limit() -> None:
    """And says so of what ends first."""
    planned = plan(10_000)
    assert planned.per_cell <= cell_limit()
    for station in measured.STATIONS:
        if station.one_core:
            assert planned.processes[station.name] * measured.BUSY * 1_000 / station.in_all_ms >= planned.rate * 0.999
    rates = [rate for rate, _ in obstacles()]
    assert rates == sorted(rates)
    assert latency(planned, 1.0)[1] < 100
