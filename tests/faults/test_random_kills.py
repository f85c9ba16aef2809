"""Orders and merges flow while processes die at random (all of P, O, T, U, N, E, L, X). Replay: see README.md."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from uuid import UUID

import httpx
import pytest

from tests.faults.client import Shop
from tests.faults.system import SERVICES, System
from tests.faults.traffic import Traffic

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]
SEED = int(os.environ.get("ONEFOLD_FAULT_SEED") or random.SystemRandom().randrange(1_000_000))
SECONDS = float(os.environ.get("ONEFOLD_FAULT_SECONDS") or 15)


def test_everything_settles_by_itself_after_random_kills(system: System, shop: Shop) -> None:
    """`kill -9` of a service or the gateway every second or two, NATS gone for some seconds; nothing is lost, doubled or left half done."""
    print(f"\nseed {SEED}: ONEFOLD_FAULT_SEED={SEED} replays these kills")  # noqa: T201 - the one thing needed for a replay
    dice = random.Random(SEED)
    shop.members(5)
    traffic = Traffic(shop, SEED)
    traffic.start()
    killed = _kill_until(time.monotonic() + SECONDS, dice, system, traffic)
    system.bring_up()
    traffic.end()
    states = system.audit(60)
    summary = f"{len(traffic.orders)} orders, {len(traffic.merges)} merges, mails {states}, killed {dict(killed)}"
    print(summary)  # noqa: T201
    traffic.check_orders(system)
    traffic.check_merges()
    _check_mails(system, shop)


def _kill_until(deadline: float, dice: random.Random, system: System, traffic: Traffic) -> Counter[str]:
    killed: Counter[str] = Counter()
    broker_may_go = True
    while time.monotonic() < deadline and not traffic.stop.is_set():
        victim = "nats" if broker_may_go and dice.random() < 0.1 else dice.choice((*SERVICES, "gateway"))
        broker_may_go = victim != "nats"
        killed[victim] += 1
        system.process(victim).kill()
        traffic.stop.wait(dice.uniform(2, 5) if victim == "nats" else dice.uniform(0, 1))
        system.process(victim).start()
        traffic.stop.wait(dice.uniform(0, 1))
    return killed


def _check_mails(system: System, shop: Shop) -> None:
    """Each message that is called sent came once, none came twice (E)."""
    arrived: Counter[str] = Counter()
    address = f"{system.stack.settings.mail_url}/api/messages"
    found = httpx.get(address, params={"limit": 100_000, "bodies": "no"}, trust_env=False, timeout=30).json()[
        "messages"
    ]
    for mail in found:
        arrived[mail["message_id"].strip("<>").partition("@")[0]] += 1
    # An SMS bears its provider's name, which is known of those that are called sent.
    query = "SELECT COALESCE(NULLIF(provider_id, ''), message_id::text), state FROM messages WHERE store_id = $1"
    for message_id, state in system.rows("notification", query, UUID(shop.store_id)):
        times = arrived[message_id]
        # Cancelled: a confirmation that a merge has made needless.
        allowed = {"sent": {1}, "unknown": {0, 1}, "cancelled": {0}}
        assert times in allowed.get(state, ()), (message_id, state, times)
