"""`python -m tests.bench`: measures a stack of its own, all parts or some, and writes the results as JSON and as a page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import cast

from deploy.local.process import ROOT, ProcessError
from deploy.local.state import DataFolderError
from tests.bench import numbers, page, report, suite
from tests.bench.record import PARTS, Part, Record, before
from tests.bench.site import Pace

FOLDER = ROOT / ".bench"
RESULTS = ROOT / "bench-results"
SIZES = {"usual": (10_000, 300_000), "quick": (1_000,), "full": (10_000, 1_000_000, 10_000_000)}
_QUICK = {
    "seconds": 2.0,
    "clients": (1, 32),
    "searches": 5,
    "typed": 10,
    "files": 1,
    "rows": 100,
    "merges": 3,
    "large_merges": ((1_000, 1),),
    "previews": 5,
    "log_ins": 12,
    "checks": 100,
    "mail_seconds": 5.0,
    "idle": 0.0,
}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.bench", description="Measures the system beside its floors.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quick", action="store_true", help="two minutes, for seeing that it works")
    how.add_argument(
        "--full",
        action="store_true",
        help="stores of up to ten million members and orders: hours, and 45 GB (README.md)",
    )
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help=f"some of {','.join(PARTS)}")
    parser.add_argument(
        "--sizes", metavar="MEMBERS", help="sizes of the store instead, the smallest first: 10000,1000000"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="of load for each point (default 8)")
    parser.add_argument("--email-share", type=float, default=0.5, help="of new buyers (default 0.5)")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="where the stack lies; what is there already stays and is used"
    )
    parser.add_argument("--keep", action="store_true", help="leave the data of the stack for another run with --data")
    parser.add_argument(
        "--page", type=Path, metavar="RESULT", help="measure nothing: make the page of this result anew"
    )
    parser.add_argument(
        "--numbers", type=Path, metavar="RESULT", help="measure nothing: write NUMBERS.md from this result"
    )
    parser.add_argument(
        "--profile", action="append", default=[], metavar="NAME", help="a process to watch by py-spy; may be repeated"
    )
    return parser.parse_args()


def wish(arguments: argparse.Namespace) -> suite.Wish:
    """What the arguments ask for. Raises ValueError for a part or a size that is none."""
    mode = "quick" if arguments.quick else "full" if arguments.full else "usual"
    parts = arguments.only.split(",")
    if unknown := set(parts) - set(PARTS):
        raise ValueError(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    sizes = sorted(int(size) for size in arguments.sizes.split(",")) if arguments.sizes else SIZES[mode]
    if min(sizes) < 1:
        raise ValueError("a store of the bench has members")
    pace = Pace(seconds=arguments.seconds, email_share=arguments.email_share, profile=arguments.profile)
    if mode == "quick":
        pace = Pace(**_QUICK, email_share=arguments.email_share, profile=arguments.profile)  # type: ignore[arg-type]
    ordered = [part for part in PARTS if part in parts]
    return suite.Wish(mode, cast("list[Part]", ordered), sizes, pace)


def _measure(wanted: suite.Wish, arguments: argparse.Namespace) -> Record:
    folder = (arguments.data or FOLDER).absolute()
    if not arguments.data:
        suite.remove(folder)
    with report.progress() as say:
        record = suite.run(wanted, folder, say)
    if not arguments.data and not arguments.keep:
        suite.remove(folder)
    return record


def _show(result: Path, record: Record) -> None:
    earlier = before(RESULTS, record)
    written = result.with_suffix(".html")
    written.write_text(page.render(record, earlier))
    report.show(record, earlier)
    report.console.print(f"\nResult: {_told(result)}\nPage:   {_told(written)}")


def _told(path: Path) -> str:
    path = path.absolute()
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def main() -> int:
    """Exit code 1 when it could not measure, or when anything went wrong under load; a missed goal is not an error."""
    arguments = _arguments()
    if arguments.page:
        _show(arguments.page, Record.read(arguments.page))
        return 0
    if arguments.numbers:
        numbers.FILE.write_text(numbers.render(Record.read(arguments.numbers)))
        return 0
    try:
        record = _measure(wish(arguments), arguments)
    except (ProcessError, DataFolderError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    RESULTS.mkdir(exist_ok=True)
    result = RESULTS / f"{record.at.replace('-', '').replace(':', '').removesuffix('+0000')}Z.json"
    record.write(result)
    _show(result, record)
    for fault in record.faults:
        print(fault, file=sys.stderr)
    return 1 if record.faults else 0


if __name__ == "__main__":
    sys.exit(main())
