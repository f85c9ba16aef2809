"""Levels and points settings by REST (B1-B3, B6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.api.level_models import (
    CustomerLevel,
    CustomerLevelHistory,
    ExpiringPointsList,
    LevelRules,
    LevelRun,
    PointsSettings,
    Simulation,
)
from tests.component.gateway.conftest import Store, key, problem
from tests.support.until import until


def put(store: Store, path: str, body: dict[str, Any], once: str = "") -> Any:
    return store.http.put(path, json=body, headers={"Idempotency-Key": once or key()})


def ended(store: Store, asked: Any) -> LevelRun:
    """The run that was asked for, once it is done or refused."""
    path = asked.headers["Location"].removeprefix("/api/v1")

    def over() -> LevelRun | None:
        run = LevelRun.model_validate(store.get(path).json())
        return run if run.finished_at else None

    return until(over, "the levels are saved")


@pytest.fixture
def own(new_store: Callable[[], Store]) -> Store:
    """A store whose rules are nobody else's."""
    return new_store()


def test_levels_are_simulated_saved_and_given(own: Store) -> None:
    """B1, B3, B6: what a program does from beginning to end."""
    member = own.member()
    rules: dict[str, Any] = {
        "basis": "lifetime",
        "levels": [
            {"name": "Bronze 銅", "threshold_minor": 0},
            {"name": "Gold", "threshold_minor": 10**9, "discount_percent": 5},
        ],
        "version": LevelRules.model_validate(own.get("/levels").json()).version,
    }
    seen = Simulation.model_validate(own.post("/levels/simulate", rules).json())
    assert (seen.up_count, seen.down_count, seen.steps[0].to_level) == (1, 0, "Bronze 銅")
    assert [(move.customer_id, move.from_level) for move in seen.items] == [(member, None)]
    once = key()
    wish = rules | {"simulation_hash": seen.simulation_hash}
    asked = put(own, "/levels", wish, once)
    assert asked.status_code == 202
    run = ended(own, asked)
    assert (run.state, run.up_count, run.refusal) == ("done", 1, None)
    assert put(own, "/levels", wish, once).json() == asked.json()
    saved = LevelRules.model_validate(own.get("/levels").json())
    assert saved.version == 1
    stale = ended(own, put(own, "/levels", wish | {"version": 1, "simulation_hash": "00"}))
    assert (stale.state, stale.refusal, stale.detail is not None) == ("refused", "stale_simulation", True)
    assert problem(put(own, "/levels", wish))[:2] == (409, "stale_version")
    assert own.get(f"/customers/{member}").json()["level_name"] == "Bronze 銅"
    gold = saved.levels[1].level_id
    level = f"/customers/{member}/level"
    given = CustomerLevel.model_validate(
        put(own, level, {"level_id": gold, "reason": "thanks", "pinned_until": "2099-12-31"}).json()
    )
    assert (given.level_name, given.level_pinned_until) == ("Gold", "2099-12-31T15:59:59Z")
    history = CustomerLevelHistory.model_validate(own.get(level).json())
    assert [(change.to_level, change.cause, change.reason) for change in history.items] == [
        ("Gold", "staff", "thanks"),
        ("Bronze 銅", "rules", ""),
    ]


def test_wrong_levels_name_their_fields(own: Store) -> None:
    """B1, B3, B6."""
    levels = [{"name": "A", "threshold_minor": 5}, {"name": "a", "threshold_minor": 5, "discount_percent": 101}]
    refused = problem(own.post("/levels/simulate", {"levels": levels, "version": 0}))
    assert refused[2] == {
        ("levels[1].name", "repeated_name"),
        ("levels[1].threshold_minor", "threshold_not_rising"),
        ("levels[1].discount_percent", "out_of_range"),
    }
    eleven = [{"name": f"L{n}", "threshold_minor": n} for n in range(11)]
    assert problem(own.post("/levels/simulate", {"levels": eleven, "version": 0}))[2] == {("levels", "too_many_levels")}
    wish = {"levels": [], "version": 0, "simulation_hash": "zz"}
    assert problem(put(own, "/levels", wish))[:2] == (409, "stale_simulation")
    assert problem(put(own, "/levels", wish | {"version": 9}))[:2] == (409, "stale_simulation")
    member = own.member()
    wrong = {"level_id": key(), "reason": " ", "pinned_until": "2001-01-01"}
    assert problem(put(own, f"/customers/{member}/level", wrong))[2] == {
        ("level_id", "unknown_level"),
        ("reason", "required"),
        ("pinned_until", "pin_in_past"),
    }


def test_points_settings_are_read_and_changed_and_points_that_run_out_listed(own: Store) -> None:
    """B2."""
    before = PointsSettings.model_validate(own.get("/points-settings").json())
    assert (before.earn_per_unit, before.rounding, before.version) == (1, "down", 0)
    wish = before.model_dump() | {"earn_per_unit": 2, "rounding": "up"}
    assert PointsSettings.model_validate(put(own, "/points-settings", wish).json()).version == 1
    assert problem(put(own, "/points-settings", wish))[:2] == (409, "stale_version")
    assert problem(put(own, "/points-settings", wish | {"validity_months": 0, "version": 1}))[2] == {
        ("validity_months", "out_of_range")
    }
    listed = ExpiringPointsList.model_validate(own.get("/points/expiring").json())
    assert (listed.items, listed.points_total, listed.customers_total) == ([], 0, 0)
