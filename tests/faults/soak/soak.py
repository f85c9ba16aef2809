"""Everybody at once, everything that breaks, and what was seen of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence

from tests.faults.client import Shop
from tests.faults.soak.history import History
from tests.faults.soak.injector import Happened, Injector
from tests.faults.soak.logs import Logs
from tests.faults.soak.plan import Fault
from tests.faults.soak.reckoning import Listener, Verdicts, reckon
from tests.faults.soak.samples import Samples
from tests.faults.soak.staff import Clerk, Deleter, Importer, Merger, Till
from tests.faults.soak.visitors import Guest, Newcomer, Staff
from tests.faults.soak.world import Actor, World
from tests.faults.system import System

_SAMPLE_SECONDS, _SAY_SECONDS = 15.0, 10.0
# All of them together are asked to end within what a patient client may take.
_END_SECONDS = 120.0


class Soak:
    """A store with everybody in it; `pace` stretches the pauses between two things that somebody does."""

    def __init__(self, system: System, shop: Shop, history: History, seed: int, pace: float = 1.0) -> None:
        self.system, self.shop, self.history, self.seed = system, shop, history, seed
        self.listener = Listener(shop)
        self.world = World(system, shop, history, seed)
        for price in (4_500, 12_000):
            made = shop.api.sure("POST", "/items", {"name_en": "Oolong tea", "unit_price_minor": price})
            self.world.items.append(made["item_id"])
        self.actors: Sequence[Actor] = (
            Clerk(self.world, "clerk", 1.0 * pace),
            Clerk(self.world, "api", 1.5 * pace),
            Till(self.world, "till", 2.0 * pace),
            Guest(self.world, "guest", 4.0 * pace),
            Newcomer(self.world, "newcomer", 6.0 * pace),
            Merger(self.world, "merger", 3.0 * pace),
            Importer(self.world, "importer", 20.0 * pace),
            Deleter(self.world, "deleter", 15.0 * pace),
            Staff(self.world, "staff", 8.0 * pace),
        )
        self.injector = Injector(system, shop.store_id, lambda: history.now, threading.Event())
        self.logs = Logs(system.stack.data.logs)
        self.samples = Samples(lambda: system.stack.processes)
        self.troubles: list[BaseException] = []

    def run(self, lanes: Sequence[Iterator[Fault]], seconds: float, say: Callable[[str], None]) -> Verdicts:
        """The storm for so many seconds, then calm, and the reckoning."""
        actors = [threading.Thread(target=self._act, args=(actor,), daemon=True) for actor in self.actors]
        breaking = [threading.Thread(target=self.injector.run, args=(lane,), daemon=True) for lane in lanes]
        tending = threading.Thread(target=self._tend, daemon=True)
        for thread in (*actors, tending, *breaking):
            thread.start()
        self._watch(seconds, say)
        self.world.stop.set()
        self.injector.stop.set()
        for thread in (*breaking, tending, *actors):
            thread.join(_END_SECONDS)
            if thread.is_alive():
                self.troubles.append(TimeoutError(f"{thread.name} hangs"))
        say("calm: everything is started again, and reckoned up")
        self.system.bring_up()
        return reckon(self.system, self.shop, self.history, self.injector, self.listener)

    def close(self) -> None:
        """Ends what listens."""
        self.listener.close()
        self.world.transport.close()
        self.history.close()

    def recoveries(self) -> list[tuple[Happened, float]]:
        """By fault: seconds from its end until something that was asked for after it was answered ok; the longest first."""
        answers = sorted((each.began, each.ended) for each in self.history.operations if each.outcome == "ok")
        found = []
        for happened in self.injector.happened:
            after = [ended for began, ended in answers if began >= happened.ended > 0]
            if after:
                found.append((happened, min(after) - happened.ended))
        return sorted(found, key=lambda each: -each[1])

    def _act(self, actor: Actor) -> None:
        try:
            actor.run()
        except BaseException as error:  # noqa: BLE001 - told at the end
            self.troubles.append(error)

    def _tend(self) -> None:
        try:
            self.injector.tend()
        except BaseException as error:  # noqa: BLE001 - told at the end
            self.troubles.append(error)

    def _watch(self, seconds: float, say: Callable[[str], None]) -> None:
        """Samples and tells how it stands, until the time is up."""
        end, sampled, said = time.monotonic() + seconds, 0.0, time.monotonic()
        while (now := time.monotonic()) < end:
            if now - sampled >= _SAMPLE_SECONDS:
                self.samples.take()
                sampled = now
            if now - said >= _SAY_SECONDS:
                say(self._how_it_stands())
                said = now
            time.sleep(0.5)

    def _how_it_stands(self) -> str:
        totals = ", ".join(f"{count:,} {outcome}" for outcome, count in self.history.totals().items())
        away = ", ".join(f"{name} ({kind})" for name, kind in sorted(self.injector.away.items())) or "nothing"
        faults = len(self.injector.happened)
        minutes, seconds = divmod(int(self.history.now), 60)
        return f"{minutes:02}:{seconds:02}  {totals}; {faults} faults, away: {away}; {self.samples.cores():.2f} cores"
