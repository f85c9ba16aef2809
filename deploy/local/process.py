"""One process of the local stack: started, watched, stopped and killed by its own pid."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

ROOT = Path(__file__).resolve().parents[2]
_CHILD = Path(__file__).with_name("child.py")
# The kernel ties a child to the *thread* that made it; so one thread, which lives as long as we do, makes them all.
_SPAWNER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")
_PROXIES = {"http_proxy", "https_proxy", "grpc_proxy", "all_proxy"}


class ProcessError(Exception):
    """A process did not start, did not become ready, or did not stop; the message holds the tail of its log."""


@dataclass(frozen=True, slots=True)
class User:
    """Whom to run as."""

    uid: int
    gid: int


def base_environment() -> dict[str, str]:
    """The environment all children share: ours without settings of Onefold and without proxies (all is loopback).

    Whoever wants no bytecode written is not followed: without it each process compiles everything anew, three seconds instead of one.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("ONEFOLD_") and name.lower() not in _PROXIES and name != "PYTHONDONTWRITEBYTECODE"
    }
    # Two arenas instead of eight per core keep a threaded Python process tens of megabytes smaller.
    return kept | {
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'proto'}",
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "2",
    }


def tied(argv: Sequence[str], death_signal: signal.Signals, user: User | None = None, niceness: int = 0) -> list[str]:
    """The command that runs `argv`, as `user`, and gets `death_signal` when the thread that started it ends."""
    terms = (os.getpid(), int(death_signal), *((user.uid, user.gid) if user else (-1, -1)), niceness)
    return [sys.executable, "-I", "-S", str(_CHILD), *map(str, terms), *argv]


def wait_until(condition: Callable[[], bool], seconds: float, *, every: float = 0.02) -> bool:
    """Asks until the answer is yes; False when the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


def tail(log: Path, lines: int = 25) -> str:
    """The last lines of a log file."""
    if not log.exists():
        return "(no log)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


class Child(Protocol):
    """What is asked of a process that was started, as `subprocess` gives it."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...


def execute(process: Process, environment: Mapping[str, str]) -> Child:
    """Starts the program by its arguments."""
    with process.log.open("ab") as log:
        return subprocess.Popen(
            tied(process.argv, process.death_signal, process.user, process.niceness),
            env=base_environment() | dict(environment),
            cwd=process.working_folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for the runner alone, which stops things in order
        )


@dataclass
class Process:
    """A program with its environment, its log file and a way to tell that it is ready.

    `before_start` runs before every start; `retry_on` names words of the log that make a failed start worth repeating.
    """

    name: str
    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    death_signal: signal.Signals = signal.SIGKILL
    user: User | None = None
    niceness: int = 0
    working_folder: Path = ROOT
    before_start: Callable[[], None] | None = None
    retry_on: str = ""
    _popen: Child | None = field(default=None, repr=False)
    _log_start: int = 0
    # How programs are started; tests have a cheaper way for those that take a second to load (tests/support/copies.py).
    launch: ClassVar[Callable[[Process, Mapping[str, str]], Child]] = staticmethod(execute)

    @property
    def pid(self) -> int:
        """The pid of the running process. Raises ProcessError when it does not run."""
        if self._popen is None or self._popen.poll() is not None:
            raise ProcessError(f"{self.name} is not running")
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the process lives; a zombie does not."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The code it ended with (negative: the signal), or None."""
        return self._popen.poll() if self._popen else None

    def start(self, extra_env: Mapping[str, str] | None = None, *, wait: bool = True) -> None:
        """Starts it, with `extra_env` on top for this run only, and waits until it is ready.

        Raises ProcessError with the tail of the log.
        """
        if self.running:
            raise ProcessError(f"{self.name} runs already (pid {self.pid})")
        if self.before_start:
            self.before_start()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        self._popen = _SPAWNER.submit(self._spawn, {**self.environment, **(extra_env or {})}).result()
        if wait:
            self.wait_ready(extra_env)

    def _spawn(self, environment: Mapping[str, str]) -> Child:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        return type(self).launch(self, environment)

    def wait_ready(self, extra_env: Mapping[str, str] | None = None) -> None:
        """Waits until it is ready. Raises ProcessError when it ends or takes longer than `ready_seconds`."""
        deadline = time.monotonic() + self.ready_seconds
        while not (self.running and (self.ready is None or self.ready())):
            if not self.running:
                if self.retry_on and self.retry_on in self._new_log() and time.monotonic() < deadline:
                    time.sleep(0.2)
                    self.start(extra_env, wait=False)
                    continue
                raise ProcessError(f"{self.name} ended with code {self.exit_code}; {self.log}:\n{tail(self.log)}")
            if time.monotonic() >= deadline:
                raise ProcessError(
                    f"{self.name} is not ready after {self.ready_seconds:.0f} s; {self.log}:\n{tail(self.log)}"
                )
            time.sleep(0.02)

    def _new_log(self) -> str:
        return self.log.read_bytes()[self._log_start :].decode(errors="replace")

    def signal_all(self, number: signal.Signals) -> None:
        """Sends a signal to the process and to the workers in its process group."""
        os.killpg(self.pid, number)

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to the process alone."""
        os.kill(self.pid, number)

    def terminate(self, *, wait: bool = True) -> None:
        """Asks it to stop and waits; kills it after `stop_seconds`. Nothing when it does not run."""
        if not self.running:
            return
        self.signal(self.stop_signal)
        if wait:
            self.wait_stopped()

    def wait_stopped(self) -> None:
        """Waits for the end of what was asked to stop, and kills it after `stop_seconds`."""
        if not wait_until(lambda: not self.running, self.stop_seconds):
            self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to the workers in its process group, and waits. Nothing when it does not run."""
        if self._popen is not None and self.running:
            os.killpg(self.pid, signal.SIGKILL)
            self._popen.wait(10)

    def wait(self, seconds: float = 60.0) -> int:
        """Waits for the end and gives the code. Raises ProcessError when it lives on."""
        if not wait_until(lambda: not self.running, seconds) or self.exit_code is None:
            raise ProcessError(f"{self.name} still runs after {seconds:.0f} s; {self.log}:\n{tail(self.log)}")
        return self.exit_code


def run_once(process: Process) -> None:
    """Runs a process that ends by itself. Raises ProcessError when its code is not 0."""
    process.start(wait=False)
    if process.wait(process.ready_seconds) != 0:
        raise ProcessError(f"{process.name} failed with code {process.exit_code}; {process.log}:\n{tail(process.log)}")
