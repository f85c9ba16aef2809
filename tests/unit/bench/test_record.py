"""A run's results: goals, ratios, growth, the page, and the file that the next run is compared with."""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from services.common.identifiers import EMAIL, IdentifierHasher
from tests.bench import charts, crowd, numbers, page
from tests.bench.__main__ import wish
from tests.bench.record import Figure, Goal, Machine, Record, before, series_of

MACHINE = Machine(
    cpu="Some <Processor>",
    cores=2,
    memory_mib=24_000,
    system="Linux 6.1",
    python="3.11.2",
    postgres="18.6",
    nats="2.15.1",
    server="gunicorn 27, gthread",
    commit="abc1234",
    changed=False,
)


LATENCY = {"n": 1, "p50": 1, "p95": 1, "p99": 1, "max": 1}


def figure(**given: Any) -> Figure:
    values = {
        "part": "orders",
        "name": "orders of new members",
        "unit": "per second",
        "value": 180.0,
        "better": "higher",
    }
    return Figure.model_validate(values | {"members": 10_000, "clients": 32, "workers": 1} | given)


def record(*figures: Figure, at: str = "2026-12-01T04:00:00+00:00", mode: str = "usual", **given: Any) -> Record:
    values = {
        "at": at,
        "seconds": 61.0,
        "mode": mode,
        "parts": ["orders", "search"],
        "sizes": [10_000],
        "machine": MACHINE,
    }
    values |= {
        "spin_ms": None,
        "others": None,
        "fills": [],
        "floors": [],
        "figures": figures,
        "series": series_of(figures),
    }
    return Record.model_validate(values | given)


@pytest.mark.parametrize(
    ("must_be", "below", "at", "above"),
    [("at least", False, True, True), ("at most", True, True, False), ("below", True, False, False)],
)
def test_a_goal_says_on_which_side_of_it_a_figure_must_be(must_be: str, below: bool, at: bool, above: bool) -> None:
    goal = Goal.model_validate({"must_be": must_be, "value": 200.0})
    assert [goal.met_by(value) for value in (199.9, 200.0, 200.1)] == [below, at, above]


def test_a_figure_knows_its_ratio_and_whether_its_goal_is_met() -> None:
    held = figure(goal={"must_be": "at least", "value": 200.0}, floor="SQL", floor_value=3_600.0)
    assert (held.ratio, held.met) == (pytest.approx(0.05), False)
    assert (figure().ratio, figure().met) == (None, None)
    assert held.conditions == "10,000 members, 32 clients"


def test_growth_is_shown_where_figures_differ_in_one_thing_alone() -> None:
    figures = [
        figure(members=members, clients=clients, value=value, floor_value=1_000.0, floor="SQL")
        for members, clients, value in ((10_000, 1, 50.0), (10_000, 32, 200.0), (1_000_000, 32, 190.0))
    ]
    found = {(each.axis, each.alike): each for each in series_of(figures)}
    assert found["members", "32 clients"].points == [(10_000, 200, 1_000), (1_000_000, 190, 1_000)]
    assert found["members", "32 clients"].growth == pytest.approx(0.95)
    assert [x for x, *_ in found["clients", "10,000 members"].points] == [1, 32]
    assert len(found) == 2


def test_a_result_is_read_as_it_was_written_and_nothing_else_is_read(tmp_path: Path) -> None:
    made, file = record(figure(latency=LATENCY)), tmp_path / "made.json"
    made.write(file)
    assert Record.read(file) == made
    file.write_text(json.dumps(json.loads(file.read_text()) | {"surprise": 1}))
    with pytest.raises(ValidationError, match="surprise"):
        Record.read(file)


def test_a_run_is_compared_with_the_newest_older_one_of_its_kind(tmp_path: Path) -> None:
    runs = {"a": ("2026-12-01T01:00:00+00:00", "usual"), "b": ("2026-12-01T02:00:00+00:00", "usual")}
    runs |= {"c": ("2026-12-01T03:00:00+00:00", "quick"), "d": ("2026-12-01T05:00:00+00:00", "usual")}
    for name, (at, mode) in runs.items():
        record(figure(), at=at, mode=mode).write(tmp_path / f"{name}.json")
    (tmp_path / "z.json").write_text('{"of another": "shape"}')
    found = before(tmp_path, record(figure()))
    assert found is not None
    assert found.at == runs["b"][0]
    assert before(tmp_path / "nowhere", record()) is None


def shown(*figures: Figure, earlier: Record | None = None, **given: Any) -> str:
    return page.render(record(*figures, **given), earlier)


def test_the_page_shows_every_figure_beside_goal_floor_ratio_and_the_run_before() -> None:
    goal = {"must_be": "at least", "value": 200.0}
    text = shown(
        figure(goal=goal, floor="SQL", floor_value=720.0),
        earlier=record(figure(value=300.0)),
        faults=["5 × HTTP 500 <b>"],
    )
    for told in (
        "0 of 1 goals met",
        "≥ 200",
        "missed",
        "720",
        "0.25",
        "300",
        "-40%",
        "Some &lt;Processor&gt;",
        "HTTP 500 &lt;b&gt;",
    ):
        assert told in text, told
    assert 'class="worse">-40%' in text


def test_each_plot_has_words_and_a_table_of_its_own_and_the_page_needs_nothing_else() -> None:
    grown = [
        figure(members=size, value=200.0 - n, floor="SQL", floor_value=900.0) for n, size in enumerate((10_000, 10**6))
    ]
    searches = [
        figure(
            part="search",
            name=name,
            unit="ms",
            value=12.5,
            latency=LATENCY,
            floor="hop",
            floor_value=4.0,
            goal={"must_be": "at most", "value": 50},
        )
        for name in ("2 Chinese characters", "4 digits of a phone")
    ]
    text = shown(*grown, *searches)
    plots = re.findall(r'<div role="img" aria-label="([^"]+)"><svg', text)
    assert len(plots) == 2
    assert "from 200 to 199 per second" in plots[0]
    assert text.count("<details>") == 2
    assert "199 (floor 900)" in text
    assert set(re.findall(r"https?://[^\"' ]+", text)) <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"<script|<link|@import", text)


def test_series_that_are_about_the_same_share_a_plot_and_are_told_apart_by_whose_they_are() -> None:
    names = [
        f"orders of {whose}{about}"
        for whose in ("members", "guests")
        for about in ("", ": 99th percentile", ", until read")
    ]
    series = series_of([figure(name=name, members=size) for name in names for size in (10, 100)])
    plots = {charts.topic(group[0]): charts.labels(group) for group in charts.grouped(series)}
    both = ["orders of guests", "orders of members"]
    assert {about: sorted(told) for about, told in plots.items()} == {
        "orders": both,
        "99th percentile": both,
        "until read": both,
    }


def test_the_numbers_of_record_say_what_was_missed_and_who_else_used_the_machine() -> None:
    goal = {"must_be": "at least", "value": 200.0}
    text = numbers.render(
        record(figure(goal=goal), figure(name="idle", goal=goal, value=300.0), others=(0.0, 0.9, 1.4))
    )
    assert "1 of 2 are met. Missed:" in text
    assert "| 180 per second | at least 200: **missed** |" in text
    assert "Others used 0.90 of the cores at the median" in text
    assert "rates are too low" in text
    alone = numbers.render(record(figure(name="idle", goal=goal, value=300.0), others=(0.0, 0.02, 0.1)))
    assert "1 of 1 are met.\n" in alone
    assert "rates are too low" not in alone


def test_the_database_makes_the_digests_that_the_services_make() -> None:
    key, address = "secret " * 6, "peter.chan7@mail.example"
    inner, outer = crowd._pads(key)
    made = hashlib.sha256(outer + hashlib.sha256(inner + f"email:{address}".encode()).digest()).digest()
    assert made == IdentifierHasher(key).digest(EMAIL, address)


def test_parts_and_sizes_are_chosen_by_name() -> None:
    def asked(**given: Any) -> argparse.Namespace:
        usual = {
            "quick": False,
            "full": False,
            "only": "search,orders",
            "sizes": None,
            "seconds": 8.0,
            "email_share": 0.5,
        }
        return argparse.Namespace(**usual | {"profile": []} | given)

    assert wish(asked()).parts == ["orders", "search"]
    assert wish(asked(full=True)).sizes[-1] == 10_000_000
    assert list(wish(asked(sizes="2000,1000")).sizes) == [1_000, 2_000]
    assert wish(asked(quick=True)).pace.seconds < wish(asked()).pace.seconds
    for wrong in ({"only": "orders,weather"}, {"sizes": "0,10"}):
        with pytest.raises(ValueError, match=r"no such part|has members"):
            wish(asked(**wrong))
