"""Rolling restarts under traffic (H6; fault matrix, row 29): what they cost those who ask meanwhile, and how soon each process is gone.

`python -m tests.faults.rolling [--rounds 3]`, or `make rolling`, on a cluster of its own in .test/.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

from deploy.local.cluster import GRACE_SECONDS, KINDS, Cluster
from deploy.local.stack import together
from tests.faults.balancer import Balancer
from tests.faults.pages import Staff
from tests.faults.system import QuickCluster, System
from tests.faults.traffic import Traffic
from tests.support.stack import session_folder

# As many kinds at a time as a person would roll out together: what others call first, workers last.
WAVES: Sequence[Sequence[str]] = (KINDS[:2], KINDS[2:5], KINDS[5:7], KINDS[7:])
_AWAY = {"502", "503", "504"}


class Rolling:
    """A shop with traffic, and rounds in which every process of the cluster is replaced."""

    def __init__(self, system: System, seed: int) -> None:
        assert isinstance(system.stack, Cluster)
        assert isinstance(system.transport, Balancer)
        self._system, self._cluster, self._balancer = system, system.stack, system.transport
        self.shop = system.open_shop()
        self.shop.members(5)
        self._staff = Staff(self.shop, system.stack.settings.gateway_url, self._balancer)
        self.traffic = Traffic(self.shop, seed, self._staff, pause=0.2)
        # (process, seconds from SIGTERM to its end)
        self.gone: list[tuple[str, float]] = []
        self._before = self._balancer.outcomes.copy()
        self.seconds = 0.0

    def run(self, rounds: int, heed_seconds: float) -> None:
        """So many rounds; `heed_seconds` is what a preStop hook would sleep. Raises what went wrong for somebody."""
        self.traffic.start()
        began = time.monotonic()
        try:
            for wave in [*WAVES] * rounds:
                together(*(partial(self._roll, kind, heed_seconds) for kind in wave))
        finally:
            self.seconds = time.monotonic() - began
            self.traffic.end()

    def _roll(self, kind: str, heed_seconds: float) -> None:
        self._cluster.roll(kind, heed_seconds, lambda name, seconds: self.gone.append((name, seconds)))

    @property
    def tries(self) -> dict[str, int]:
        """How many requests had which outcome: a status, or an error of the connection."""
        return dict((self._balancer.outcomes - self._before).most_common())

    def check(self) -> None:
        """Nobody was refused or lost, everybody is gone in time, the audit is clean."""
        expected = [name for wave in self._waves for kind in wave for name in self._cluster.replicas(kind)]
        assert {name for name, _ in self.gone} == set(expected)
        assert max(seconds for _, seconds in self.gone) < GRACE_SECONDS
        broken = {name: count for name, count in self.tries.items() if name.startswith("5") and name not in _AWAY}
        assert not broken
        self._system.audit(60)
        self.traffic.check_orders(self._system)
        self.traffic.check_merges()

    def told(self) -> str:
        """What happened, in lines for a person."""
        slowest = sorted(self.gone, key=lambda each: -each[1])[:5]
        return "\n".join(
            (
                f"{len(self.gone)} processes replaced in {self.seconds:.0f} s; gone after at most"
                f" {', '.join(f'{seconds:.2f} s ({name})' for name, seconds in slowest)}",
                f"{len(self.traffic.orders)} orders, {len(self.traffic.merges)} merges, {dict(self._staff.done)}",
                f"requests by outcome: {self.tries}",
            )
        )

    def close(self) -> None:
        """Ends the shop's connections."""
        self._staff.close()
        self.shop.close()


def main() -> int:
    """Exit code 0 when nobody was refused and the audit is clean; otherwise it ends with what was not."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.rolling", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is replaced (default 3)")
    parser.add_argument(
        "--heed", type=float, default=1.0, help="seconds between leaving the names and SIGTERM (default 1)"
    )
    parser.add_argument("--seed", type=int, default=29, help="of the clients' dice (default 29)")
    arguments = parser.parse_args()
    stack = QuickCluster(session_folder("rolling"))
    with stack:
        rolling = Rolling(System(stack, Balancer(lambda: stack.gateway_urls)), arguments.seed)
        try:
            rolling.run(arguments.rounds, arguments.heed)
            rolling.check()
        finally:
            sys.stdout.write(f"{rolling.told()}\n")
            rolling.close()
    stack.data.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
