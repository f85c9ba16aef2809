"""The load generator: a process of its own, so that what it uses is counted apart (`python -m tests.bench.generator`).

It reads a job, prepares, says "ready", waits for "go", runs, and writes the outcome into the file that it was given. A file, for
what stood in a pipe's buffer was once lost with the process; and an outcome counts only of a process that has ended well.
"""

from __future__ import annotations

import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from deploy.local.process import ROOT, base_environment
from tests.bench.flows import FLOWS
from tests.bench.job import Job, Outcome

# Preparing is arithmetic; a generator that is silent for so long beyond its time hangs.
_GRACE_SECONDS = 120.0


class GeneratorFailed(Exception):
    """The load generator ended without an outcome; what it wrote is on standard error."""


def run(job: Job, *, before: Callable[[], None] | None = None, during: Callable[[], None] | None = None) -> Outcome:
    """The outcome of a job. `before` is called when all is prepared, `during` while the load runs. Raises GeneratorFailed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "outcome.json"
        _run(job, file, before, during)
        return Outcome.decode(file.read_bytes())


def _run(job: Job, file: Path, before: Callable[[], None] | None, during: Callable[[], None] | None) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.generator", str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=base_environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(job.encode())
        process.stdin.flush()
        if process.stdout.readline() != b"ready\n":
            raise GeneratorFailed(job.flow)
        if before:
            before()
        process.stdin.write(b"go\n")
        process.stdin.flush()
        if during:
            during()
        process.communicate(timeout=job.seconds + _GRACE_SECONDS)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise GeneratorFailed(f"{job.flow}: exit code {process.returncode}")


def main() -> None:
    """One job from standard input, its outcome into the file named by the argument."""
    job = Job.decode(sys.stdin.buffer.readline())
    flow = FLOWS[job.flow](job)
    # The prepared requests are many and stay: looking through them again and again would be load of our own making.
    gc.collect()
    gc.freeze()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.buffer.readline()
    outcome = Outcome()
    before, started = _cpu_seconds(), time.perf_counter()
    uvloop.run(flow.run(outcome))
    outcome.seconds = time.perf_counter() - started
    outcome.generator_cpu_seconds = _cpu_seconds() - before
    Path(sys.argv[1]).write_bytes(outcome.encode())


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
