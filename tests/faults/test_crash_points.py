"""`kill -9` of each process at each step of order, payment, import, registration, merge, mail, deletion and erasure (F9, D4, A3, E, C9,
C12; fault matrix, rows 1, 2, 5, 6, 15, 18, 19)."""

from __future__ import annotations

import ast
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from deploy.local.process import ROOT, wait_until
from tests.faults.account_flows import GuestWhoRegisters, Registration
from tests.faults.client import Shop
from tests.faults.flows import (
    Checkout,
    Deletion,
    Erasure,
    Flow,
    ImportOfMembers,
    KnownMember,
    LevelRules,
    MergeOfThree,
    NewGuest,
    NewMember,
    OnlinePayment,
    OnlineRefund,
    Payment,
    WithPoints,
)
from tests.faults.merge_flows import MergeOfMany
from tests.faults.order_flows import Ending, RunOverOrders
from tests.faults.system import WORKS, System
from tests.faults.webhook_flows import Told

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]


@dataclass(frozen=True)
class Scenario:
    """The process dies at each of the points in turn, each time in the middle of a flow of its own."""

    process: str
    flow: type[Flow]
    points: tuple[str, ...]
    # What is away meanwhile.
    down: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.process}-{self.flow.__name__}-{self.points[0].partition('.')[0]}"


# Which flow makes the events that each worker publishes and reads.
_EVENTS = {
    "membership-work": KnownMember,
    "orders-work": KnownMember,
    "identity_merge-work": NewMember,
    "notification-work": NewMember,
}
_COMMON = ("outbox.before_publish", "outbox.after_publish", "inbox.before_commit", "inbox.before_ack")
SCENARIOS = [
    Scenario("orders-serve", NewMember, ("orders.create.before_insert", "orders.create.after_commit")),
    Scenario("orders-serve", WithPoints, ("orders.create.points_reserved",)),
    Scenario(
        "orders-serve",
        Checkout,
        ("orders.check_out.before_order", "orders.check_out.before_commit", "orders.check_out.after_commit"),
    ),
    Scenario("membership-serve", WithPoints, ("membership.reserve.after_commit",)),
    Scenario("orders-serve", Payment, ("orders.confirm_payment.before_commit",)),
    Scenario(
        "orders-serve", OnlinePayment, ("orders.checkout.asked", "orders.notice.kept", "orders.notice.before_commit")
    ),
    Scenario("orders-work", OnlineRefund, ("orders.give_back.asked",)),
    Scenario(
        "orders-serve",
        Ending,
        ("orders.advance.before_commit", "orders.cancel.before_commit", "orders.refund.before_commit"),
    ),
    Scenario("orders-serve", MergeOfThree, ("orders.relink.before_commit", "orders.relink.after_commit")),
    Scenario("membership-serve", NewMember, ("membership.enrol.after_commit",)),
    Scenario("membership-serve", NewGuest, ("membership.enrol.after_commit",)),
    Scenario("membership-serve", KnownMember, ("membership.enrol.before_commit",)),
    # The same by event, when nobody answered the gateway's call.
    Scenario("membership-work", NewGuest, ("membership.enrol.after_commit",), down=("membership-serve",)),
    Scenario("membership-work", KnownMember, ("membership.enrol.before_commit",), down=("membership-serve",)),
    Scenario("membership-work", GuestWhoRegisters, ("membership.join.before_commit", "membership.join.after_commit")),
    # A store has one set of rules, so each of these has a store of its own.
    Scenario("membership-work", LevelRules, ("membership.levels.between_parts",)),
    Scenario("membership-work", LevelRules, ("membership.levels.before_commit",)),
    Scenario("membership-work", ImportOfMembers, ("membership.import.before_commit", "membership.import.after_commit")),
    Scenario("membership-serve", MergeOfThree, ("membership.absorb.before_commit", "membership.absorb.after_commit")),
    Scenario("identity_merge-serve", MergeOfThree, ("merge.commit.before_commit",)),
    Scenario(
        "identity_merge-work",
        MergeOfThree,
        (
            *(
                "merge.planned",
                "merge.before_absorb",
                "merge.after_absorb",
                "merge.before_retire",
                "merge.after_retire",
            ),
            *("merge.between_batches", "merge.before_complete", "merge.after_complete"),
        ),
    ),
    Scenario(
        "identity_merge-work",
        MergeOfMany,
        ("merge_batch.check.before_commit", "merge_batch.start.before_commit", "merge_batch.start.after_commit"),
    ),
    Scenario(
        "notification-work",
        NewMember,
        ("notification.before_claim_commit", "notification.before_data", "notification.after_data"),
    ),
    Scenario("notification-work", Told, ("webhooks.before_post", "webhooks.after_post")),
    Scenario(
        "membership-serve",
        Deletion,
        (
            "membership.removal.claimed",
            "membership.removal.logins_ended",
            "membership.removal.before_commit",
            "membership.removal.after_commit",
        ),
    ),
    Scenario("identity_merge-serve", Deletion, ("logins.end.before_commit",)),
    Scenario("identity_merge-serve", Registration, ("accounts.register.before_commit",)),
    Scenario(
        "membership-serve",
        Registration,
        (
            "membership.register.before_commit",
            "membership.register.after_commit",
            "membership.identifier.before_commit",
        ),
    ),
    Scenario("orders-work", Erasure, ("orders.erase.before_commit",)),
    Scenario("orders-work", RunOverOrders, ("orders.bulk.before_commit", "orders.bulk.after_commit")),
    *(Scenario(process, _EVENTS[process], _COMMON) for process in WORKS),
]


def points_in_the_code() -> Iterator[tuple[str, str]]:
    """(service, name) of every `crash.point("…")` under services/."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("crash.point", "point"):
                [argument] = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno}: the name must stand there in full"
                yield path.relative_to(ROOT / "services").parts[0], str(argument.value)


def test_every_crash_point_in_the_code_has_a_scenario() -> None:
    """Points of the plumbing are passed by the workers of all four services, so each of them dies there."""
    killed = {(scenario.process.partition("-")[0], point) for scenario in SCENARIOS for point in scenario.points}
    wanted = set()
    for service, point in points_in_the_code():
        wanted |= (
            {(process.partition("-")[0], point) for process in WORKS} if service == "common" else {(service, point)}
        )
    assert wanted, "no crash point found: the search is broken"
    assert killed == wanted


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_a_process_killed_at_any_step_leaves_nothing_half_done(scenario: Scenario, system: System, shop: Shop) -> None:
    """One order, one member, the merge finished, each mail once; all of it by itself (U, O, P, T, E, X, L)."""
    flows = [scenario.flow(system, shop) for _ in scenario.points]
    for flow in flows:
        flow.prepare()
    process = system.process(scenario.process)
    for name in scenario.down:
        system.process(name).kill()
    with ThreadPoolExecutor(60) as pool:
        runs = []
        for point, flow in zip(scenario.points, tuple(flows), strict=True):
            system.arm(scenario.process, point)
            runs.append(pool.submit(flow.run))
            # While a process is away its callers pause before they try it again; an order in between takes the other way, by event.
            while process.running and not wait_until(lambda: not process.running, 1 if flow.repeatable else 60):
                assert flow.repeatable, f"{process.name} was not killed at {point}"
                assert len(runs) < 60, f"{process.name} was not killed at {point}"
                flows.append(scenario.flow(system, shop))
                runs.append(pool.submit(flows[-1].run))
            assert process.exit_code == -signal.SIGKILL, (
                f"{process.name} ended with {process.exit_code} instead of at {point}"
            )
        system.let_merge_leases_end()
        system.bring_up()
        for run in runs:
            run.result(90)
    states = system.audit()
    for flow in flows:
        flow.check()
    # Cancelled: a confirmation that a merge has made needless in the meantime.
    assert states.keys() <= {"sent", "unknown", "cancelled"}, states
