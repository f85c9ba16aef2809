"""Processes are replaced while everybody goes on (H6; fault matrix, row 29). Every process, three times: `make rolling`."""

from __future__ import annotations

import pytest

from tests.faults.rolling import ONE_OF_EACH, Rolling
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]


def test_a_rolling_restart_fails_no_request_that_the_documented_patience_would_not_mend(cluster: System) -> None:
    """Fault 29: two of a kind, replaced one after the other; each is gone within 30 s (all invariants)."""
    rolling = Rolling(cluster, seed=29, waves=ONE_OF_EACH)
    try:
        rolling.run(rounds=1, heed_seconds=0.2)
        rolling.check()
    finally:
        print(rolling.told())  # noqa: T201 - shown with a failure
        rolling.close()
