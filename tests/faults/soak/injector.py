"""Breaks what is planned, and puts it right again; in between it starts what has ended by itself, as a supervisor does."""

from __future__ import annotations

import importlib.util
import random
import signal
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from deploy.local.process import Process, wait_until
from deploy.local.provision import run_sync
from tests.faults.soak import broker
from tests.faults.soak.plan import Fault
from tests.faults.soak.stack import SoakStack
from tests.faults.system import System

_LOOK_SECONDS = 0.2
_LATENCY_SECONDS = 2.0
_RESETS = 0.05
_AT_THE_BROKER = {"stream deleted", "events again, shuffled", "poison"}
_HOUR = {"clock an hour ahead": "+3600s", "clock an hour behind": "-3600s"}


def clock_library() -> Path | None:
    """What moves the clock of one process; None where it is not for this machine."""
    spec = importlib.util.find_spec("libfaketime")
    [folder] = spec.submodule_search_locations if spec and spec.submodule_search_locations else [""]
    library = Path(folder) / "vendor/libfaketime/src/libfaketime.so.1"
    return library if library.exists() else None


@dataclass(slots=True)
class Happened:
    """A fault that was injected, in seconds from the beginning."""

    fault: Fault
    began: float
    ended: float = 0.0


@dataclass
class Injector:
    """`run` for each lane in a thread of its own, `tend` all the while in another."""

    system: System
    store_id: str
    now: Callable[[], float]
    stop: threading.Event
    happened: list[Happened] = field(default_factory=list)
    away: dict[str, str] = field(default_factory=dict)
    # How often the broker had to be started again after its disk had been full.
    probed: int = 0
    # Who ended although nothing was done to it, by name and code.
    ended: Counter[str] = field(default_factory=Counter)
    # (when, context, event's id, its type)
    poison: list[tuple[float, str, uuid.UUID, str]] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)
    _held: set[str] = field(default_factory=set)
    _lock: threading.Condition = field(default_factory=threading.Condition)

    def run(self, faults: Iterable[Fault]) -> None:
        """One after the other, each at its time; ends with the last, or when told to stop."""
        for fault in faults:
            if self.stop.wait(max(0.0, fault.at - self.now())):
                return
            with self._holding(fault) as happened:
                try:
                    self._happen(fault)
                except Exception as error:  # noqa: BLE001 - told at the end: a fault that did not come about is no clean run
                    self.troubles.append(error)
            happened.ended = self.now()

    def counts(self) -> dict[str, int]:
        """Faults by kind."""
        return dict(Counter(each.fault.kind for each in self.happened))

    def poison_told(self) -> Iterator[tuple[uuid.UUID, str, bool]]:
        """(event's id, its type, whether its stream was lost afterwards, and perhaps the poison with it)."""
        lost = [(h.fault.victim, h.ended) for h in self.happened if h.fault.kind == "stream deleted"]
        for at, context, event_id, event_type in self.poison:
            yield event_id, event_type, any(victim == context and ended >= at for victim, ended in lost)

    def tend(self) -> None:
        """Starts what has ended by itself, until told to stop."""
        while not self.stop.wait(_LOOK_SECONDS):
            for name, process in self.system.stack.processes.items():
                with self._lock:
                    if name in self._held or process.running:
                        continue
                    self.ended[f"{name} with code {process.exit_code}"] += 1
                    process.start(wait=False)

    @contextmanager
    def _holding(self, fault: Fault) -> Iterator[Happened]:
        """Nobody else breaks or starts the victim meanwhile."""
        held = {"nats"} if fault.kind in _AT_THE_BROKER else {fault.victim}
        held |= {"postgres"} if fault.kind == "events again, shuffled" else set()
        with self._lock:
            while held & self._held:
                self._lock.wait(1)
            self._held |= held
            self.away[fault.victim] = fault.kind
        for name in held & {"nats", "postgres"}:
            self._up(name)
        happened = Happened(fault, self.now())
        self.happened.append(happened)
        try:
            yield happened
        finally:
            with self._lock:
                self._held -= held
                self.away.pop(fault.victim, None)
                self._lock.notify_all()

    def _up(self, name: str) -> None:
        """What is to break has to be whole; it may have been started a moment ago."""
        process = self.system.process(name)
        if not process.running:
            process.start(wait=False)
        wait_until(lambda: process.running and (process.ready is None or process.ready()), 30)

    # --- what happens ------------------------------------------------------------------------------------------------

    def _happen(self, fault: Fault) -> None:
        dice = random.Random(fault.dice)
        match fault.kind:
            case "killed":
                self._restart(fault, self._process(fault).kill)
            case "broker away":
                self._restart(fault, self._process(fault).terminate)
            case "database lost in commit":
                self._lose_commits(fault)
            case "hangs":
                self._hang(fault)
            case "connections cut":
                self._links().cut(self._links().of(fault.victim))
            case "5 % resets":
                self._on_ways(fault, "resets", _RESETS)
            case "2 s of latency":
                self._on_ways(fault, "delay", _LATENCY_SECONDS)
            case "disk full":
                self._fill_disk(fault)
            case "stream deleted":
                broker.delete_stream(self.system, fault.victim)
            case "events again, shuffled":
                broker.publish_again(self.system, self.store_id, fault.victim, dice)
            case "poison":
                told = broker.poison(self.system, self.store_id, fault.victim)
                self.poison.append((self.now(), fault.victim, *told))
            case _:
                self._move_clock(fault)

    def _process(self, fault: Fault) -> Process:
        return self.system.process(fault.victim)

    def _restart(self, fault: Fault, end: Callable[[], None]) -> None:
        end()
        self.stop.wait(fault.seconds)
        self._process(fault).start(wait=False)

    def _hang(self, fault: Fault) -> None:
        process = self._process(fault)
        # The whole group: gunicorn's worker, not its watcher alone.
        process.signal_all(signal.SIGSTOP)
        self.stop.wait(fault.seconds)
        process.signal_all(signal.SIGCONT)

    def _move_clock(self, fault: Fault) -> None:
        process = self._process(fault)
        process.kill()
        moved = {"FAKETIME": _HOUR[fault.kind], "DONT_FAKE_MONOTONIC": "1", "LD_PRELOAD": str(clock_library())}
        process.start(moved, wait=False)
        self.stop.wait(fault.seconds)
        process.kill()
        process.start(wait=False)

    def _lose_commits(self, fault: Fault) -> None:
        """Commits are written and wait for a standby that is not there; so their answers are lost when the server is killed."""
        process = self._process(fault)
        run_sync(self._configure("ALTER SYSTEM SET synchronous_standby_names = 'nobody'", reload=True))
        self.stop.wait(fault.seconds)
        run_sync(self._configure("ALTER SYSTEM RESET synchronous_standby_names", reload=False))
        process.kill()
        process.start(wait=False)

    async def _configure(self, statement: str, *, reload: bool) -> None:
        connection = await asyncpg.connect(self.system.stack.settings.databases["orders"].admin, timeout=10)
        try:
            await connection.execute(statement)
            if reload:
                await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close(timeout=5)

    # --- ways and disks ----------------------------------------------------------------------------------------------

    def _stack(self) -> SoakStack:
        assert isinstance(self.system.stack, SoakStack), "this stack has neither ways nor disks"
        return self.system.stack

    def _links(self):  # type: ignore[no-untyped-def]
        return self._stack().links

    def _on_ways(self, fault: Fault, what: str, much: float) -> None:
        """All ways of the victim, for it cannot tell which of them is bad."""
        ways = self._links().of(fault.victim)
        for way in ways:
            setattr(way, what, much)
        self.stop.wait(fault.seconds)
        for way in ways:
            setattr(way, what, 0.0)

    def _fill_disk(self, fault: Fault) -> None:
        disk, process = self._stack().disks[fault.victim], self._process(fault)
        disk.fill()
        try:
            self.stop.wait(fault.seconds)
        finally:
            disk.relieve()
        if fault.victim == "nats" and process.running and not self._broker_is_well():
            # A stream that once could not write stays so until the server begins anew; it says so where a liveness probe asks.
            self.probed += 1
            process.terminate()
        if not process.running:
            process.start(wait=False)

    def _broker_is_well(self) -> bool:
        url = f"{self.system.stack.brokers[0].monitor_url}/healthz"
        for _ in range(5):
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return True
            except (urllib.error.URLError, OSError):
                time.sleep(0.5)
        return False
