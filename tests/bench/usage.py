"""What each process of the stack uses: processor time, memory, and where the time goes."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

from deploy.local.process import ROOT

_MIB = 1024 * 1024
_FRAME = re.compile(r"(?P<function>.*) \((?P<file>.*?)(:\d+)?\)$")


class Usage:
    """Reads process trees by the pids of their roots."""

    def __init__(self, processes: Mapping[str, int]) -> None:
        self._roots = dict(processes)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor seconds of each tree since its start, children that have ended included."""
        return {name: sum(map(_cpu, _tree(pid))) for name, pid in self._roots.items()}

    def pss_mib(self) -> dict[str, float]:
        """Proportional memory of each tree: shared pages are divided among those who share them."""
        return {name: round(sum(map(_pss, _tree(pid))), 1) for name, pid in self._roots.items()}


def _tree(pid: int) -> list[psutil.Process]:
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def _cpu(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):  # a database session that ended meanwhile is in its parent's sum
        times = process.cpu_times()
        return float(times.user + times.system + times.children_user + times.children_system)
    return 0.0


def _pss(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.NoSuchProcess):
        return float(process.memory_full_info().pss) / _MIB
    return 0.0


def machine_busy_seconds() -> float:
    """Processor seconds that the whole machine has spent working since it was started."""
    times = psutil.cpu_times()
    return float(sum(times[:8]) - times.idle - times.iowait)


def spin_ms() -> float:
    """CPU milliseconds for a fixed piece of Python: how fast this machine, which others may share, is just now."""
    started, total = time.process_time(), 0
    for number in range(300_000):
        total += number
    return (time.process_time() - started) * 1e3


def less(later: Mapping[str, float], earlier: Mapping[str, float]) -> dict[str, float]:
    """The difference by name."""
    return {name: value - earlier[name] for name, value in later.items()}


def idle_rates(usage: Usage, seconds: float) -> dict[str, float]:
    """Cores that each tree uses while nobody asks anything of it."""
    before = usage.cpu_seconds()
    time.sleep(seconds)
    return {name: used / seconds for name, used in less(usage.cpu_seconds(), before).items()}


@contextlib.contextmanager
def profiled(pid: int, seconds: float) -> Iterator[Counter[str]]:
    """Samples a tree by py-spy for so long, from now; the counter is filled at the end: samples by package.

    Only threads that hold the interpreter count: waiting in C looks like work otherwise.
    """
    found: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks"
        command = [
            str(Path(sys.executable).with_name("py-spy")),
            "record",
            "--pid",
            str(pid),
            "--subprocesses",
            "--gil",
        ]
        command += ["--rate", "200", "--format", "raw", "--full-filenames", "--nonblocking"]
        command += ["--duration", str(max(1, int(seconds))), "--output", str(stacks)]
        spy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            yield found
            spy.communicate(timeout=seconds + 30)
        finally:
            spy.kill()
            spy.wait()
        if stacks.exists():
            found.update(by_package(stacks.read_text()))


def by_package(stacks: str) -> Counter[str]:
    """Samples by the package that was running (its own code, not what it called), from py-spy's raw format."""
    found: Counter[str] = Counter()
    for line in stacks.splitlines():
        frames, _, count = line.rpartition(" ")
        names = [match for frame in frames.split(";") if (match := _FRAME.match(frame))]
        if names:
            found[_package(names[-1]["file"])] += int(count)
    return found


def _package(file: str) -> str:
    """The installed package, the house's own folder, or the standard library's module."""
    if "site-packages/" in file:
        return file.split("site-packages/", 1)[1].split("/", 1)[0].removesuffix(".py")
    if file.startswith(f"{ROOT}/"):
        parts = Path(file).relative_to(ROOT).parts
        return "/".join(parts[: 2 if parts[0] in ("services", "gateway", "proto") and len(parts) > 2 else 1])
    return "python: " + Path(file).stem if "/" in file else file


def own_seconds() -> float:
    """Processor seconds of this process and of its children that have ended."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def cores() -> int:
    """How many this process may use."""
    return len(psutil.Process().cpu_affinity())


_SERVICE = "grpc.aio, sqlalchemy.ext.asyncio, asyncpg, uvloop, orjson, structlog, phonenumbers, prometheus_client, opentelemetry.sdk.trace"
# What each kind of our processes cannot do without; PostgreSQL and NATS have none.
_LIBRARIES = {
    "serve": _SERVICE,
    "work": f"{_SERVICE}, nats",
    "gateway": "flask, flask_babel, flask_wtf, gunicorn.app.wsgiapp, pydantic, grpc",
}


def bare_mib(names: Iterable[str]) -> float:
    """Proportional memory of interpreters that have imported the libraries of those processes and nothing of ours."""
    kinds = [kind for name in names if (kind := name.rpartition("-")[2]) in _LIBRARIES]
    bare = [
        subprocess.Popen(
            [sys.executable, "-c", f"import sys, {_LIBRARIES[kind]}; print(flush=True); sys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for kind in kinds
    ]
    try:
        for each in bare:
            assert each.stdout is not None
            each.stdout.readline()
        return round(sum(_pss(psutil.Process(each.pid)) for each in bare), 1)
    finally:
        for each in bare:
            each.kill()
            each.communicate()
