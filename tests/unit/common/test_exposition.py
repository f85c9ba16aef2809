"""Where metrics are served (H6)."""

from __future__ import annotations

import pytest

from deploy.local.ports import LOOPBACK, choose
from services.common.config import ConfigError, Environment
from services.common.telemetry import exposition


def test_without_an_address_nothing_is_served() -> None:
    """ONEFOLD_METRICS_LISTEN is for whoever wants it."""
    assert exposition.bind(Environment({})) is None


@pytest.mark.parametrize("wrong", ["9464", ":9464", "localhost:", "localhost:http"], ids=range(4))
def test_an_address_that_is_none_is_named_at_the_start(wrong: str) -> None:
    """Configuration fails at start, by the variable's name."""
    with pytest.raises(ConfigError, match="ONEFOLD_METRICS_LISTEN"):
        exposition.bind(Environment({"ONEFOLD_METRICS_LISTEN": wrong}))


def test_an_address_that_is_taken_is_named_too() -> None:
    """The same for a port that somebody else has."""
    settings = Environment({"ONEFOLD_METRICS_LISTEN": f"{LOOPBACK}:{choose(['metrics'], {})['metrics']}"})
    first = exposition.bind(settings)
    assert first is not None
    with first, pytest.raises(ConfigError, match="ONEFOLD_METRICS_LISTEN"):
        exposition.bind(settings)
