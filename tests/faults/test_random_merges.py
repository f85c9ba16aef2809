"""The short form of `make merges`: merges at random beside orders, payments, refunds and kills (P, O, T, N, F9, F10)."""

from __future__ import annotations

import os
import random

import pytest

from deploy.local.provision import run_sync
from tests.bench.client import Api
from tests.faults.client import Shop
from tests.faults.system import SERVES, System
from tests.merges.faults import Fault
from tests.merges.soak import Soak

pytestmark = [pytest.mark.fault, pytest.mark.timeout(300)]
SEED = int(os.environ.get("ONEFOLD_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))
MERGES, LANES, DEPTH, NEWCOMERS = 30, 4, 5, 12


def test_random_merges_come_to_what_was_done_to_the_cent(system: System, shop: Shop) -> None:
    """Four clients; a service is killed twice; old ids lead on in one hop, each order is whose it must be, and the audit holds."""
    print(f"\nseed {SEED}: ONEFOLD_FAULT_SEED={SEED} replays these merges")  # noqa: T201 - the one thing needed for a replay
    dice = random.Random(SEED)
    soak = Soak(Api(system.stack.settings.gateway_url, shop.api.credential), SEED, MERGES, LANES, DEPTH)
    # A worker that dies in a merge keeps it for a quarter of a minute: test_random_kills.py waits for that.
    kills = [Fault(after, "killed", dice.choice(SERVES), 0.2) for after in (MERGES // 4, MERGES // 2)]
    faults = run_sync(soak.run(system.stack, iter(kills), NEWCOMERS))
    system.audit()
    assert soak.tally.done["merges"] == MERGES
    assert sum(faults.counts.values()) == len(kills), f"somebody else died: {faults.counts}"
    assert not run_sync(soak.differences(system.stack.settings.databases))
    assert not run_sync(soak.lost_chains())
