"""`python -m tests.faults.soak [--minutes 60] [--seed N]`, or `make faults`: on a stack of its own in .faults/."""

from __future__ import annotations

import argparse
import secrets
import sys

from deploy.local.process import ROOT
from deploy.local.state import DataFolder
from tests.faults.soak import disks
from tests.faults.soak.history import History
from tests.faults.soak.injector import clock_library
from tests.faults.soak.plan import KILLED, WEATHER, lane
from tests.faults.soak.report import as_json, document, text
from tests.faults.soak.soak import Soak
from tests.faults.soak.stack import SoakStack
from tests.faults.system import System

FOLDER = ROOT / ".faults"
_KILL_PAUSES, _WEATHER_PAUSES = (5.0, 25.0), (5.0, 25.0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=10, help="of faults (default 10); the reckoning takes some more"
    )
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="what the last run printed")
    parser.add_argument("--pace", type=float, default=1.0, help="of the pauses between what people do (default 1)")
    parser.add_argument("--only", default="", help="kinds of faults, with commas between; default: all")
    parser.add_argument("--keep", action="store_true", help="keep the data of a run in which everything held")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Exit status 0: everything holds, and every fault that was planned came about."""
    arguments = _arguments()
    missing = {"disks": disks.enter(["-m", "tests.faults.soak", *sys.argv[1:]])}
    missing["clocks"] = "" if clock_library() else "clocks need the package libfaketime, built for this machine"
    left_out = [f"{why}" for why in missing.values() if why]
    for why in left_out:
        _say(f"left out: {why}")
    seed, seconds = arguments.seed, arguments.minutes * 60
    reports = ROOT / ".test" / "faults"
    reports.mkdir(parents=True, exist_ok=True)
    folder = FOLDER / str(seed)
    DataFolder(folder).remove()
    stack = SoakStack(folder, seed, small_disks=not missing["disks"])
    _say(f"seed {seed}: `make faults MINUTES={arguments.minutes:g} SEED={seed}` does the same again")
    wanted = [each for each in (KILLED, *WEATHER) if not arguments.only or each.name in arguments.only.split(",")]
    weather = [each for each in wanted if each is not KILLED and not missing.get(each.needs)]
    lanes = [lane(seed, "weather", weather, _WEATHER_PAUSES, seconds, spare=True)] if weather else []
    if KILLED in wanted:
        lanes.append(lane(seed, "kills", [KILLED], _KILL_PAUSES, seconds, spare=True))
    try:
        with stack:
            system = System(stack)
            shop = system.open_shop()
            shop.members(5)
            soak = Soak(system, shop, History(reports / f"{seed}.history.jsonl"), seed, arguments.pace)
            verdicts = soak.run(lanes, seconds, _say)
            report = document(soak, verdicts, arguments.minutes, left_out)
            (reports / f"{seed}.json").write_text(as_json(report))
            (reports / f"{seed}.txt").write_text(text(report))
            _say(text(report))
            _say(f"report and history: {reports}/{seed}.*")
            soak.close()
            shop.close()
    finally:
        stack.close()
    if report["holds"] and not arguments.keep:
        stack.data.remove()
    return 0 if report["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())
