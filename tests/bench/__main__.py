"""`python -m tests.bench`: measures a stack of its own, or the running one."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from rich.status import Status

from deploy.local.demo import DemoStore
from deploy.local.process import ROOT, ProcessError
from deploy.local.stack import Stack
from deploy.local.state import DataFolder, DataFolderError, RunningStack
from tests.bench import report
from tests.bench.bench import Bench, NothingMeasured, Options
from tests.bench.floors import FloorFailed
from tests.bench.generator import GeneratorFailed
from tests.bench.settle import NotSettled

FOLDER = ROOT / ".bench"
RESULTS = ROOT / "bench-results"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests.bench", description="Measures orders, merges and search beside their floors."
    )
    parser.add_argument("--quick", action="store_true", help="a short run, for seeing that it works")
    parser.add_argument("--seconds", type=float, default=8.0, help="for each point (default 8)")
    parser.add_argument("--email-share", type=float, default=0.5, help="of new buyers (default 0.5)")
    parser.add_argument("--attach", action="store_true", help="measure the running stack instead of one of its own")
    parser.add_argument("--keep", action="store_true", help=f"keep the data of its own stack in {FOLDER.name}/")
    parser.add_argument(
        "--profile", action="append", default=[], metavar="NAME", help="a process to watch by py-spy; may be repeated"
    )
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> Options:
    wishes = Options(seconds=arguments.seconds, email_share=arguments.email_share, profile=arguments.profile)
    if not arguments.quick:
        return wishes
    return Options(
        seconds=2.0,
        email_share=arguments.email_share,
        searches=20,
        merges=3,
        large_merges=1,
        orders_each=1_000,
        mail_seconds=5.0,
        profile=arguments.profile,
    )


@contextmanager
def _stack(arguments: argparse.Namespace) -> Iterator[RunningStack]:
    """A fresh stack, or the one that runs. Raises DataFolderError, ProcessError."""
    if arguments.attach:
        yield RunningStack.load()
        return
    DataFolder(FOLDER).remove()
    with Stack(FOLDER) as stack:
        yield stack.running
    if not arguments.keep:
        DataFolder(FOLDER).remove()


def _measure(arguments: argparse.Namespace, status: Status) -> tuple[dict[str, object], str]:
    with _stack(arguments) as running:
        demo = DemoStore(running)
        demo.ensure_store()
        bench = Bench(
            running, demo.ensure_api_key(), _options(arguments), lambda what: status.update(f"Measuring: {what} …")
        )
        results = bench.run()
    results["goals"] = report.goals(results)
    results["about"] = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "options": vars(arguments),
    }
    return results, bench.faults


def _write(results: dict[str, object]) -> Path:
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False))
    return path


def main() -> int:
    """Exit code 1 when it could not measure, or when anything went wrong under load; a missed goal is not an error."""
    arguments = _arguments()
    try:
        with report.console.status("Starting a stack …") as status:
            results, faults = _measure(arguments, status)
    except (ProcessError, DataFolderError, GeneratorFailed, FloorFailed, NothingMeasured, NotSettled) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    report.show(results)
    report.console.print(f"\nWritten to {_write(results).relative_to(ROOT)}")
    if faults:
        print(faults, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
