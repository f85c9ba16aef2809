"""All parts on one stack, whose store grows from size to size."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import httpx

from deploy.local.demo import DemoStore
from deploy.local.stack import Stack
from deploy.local.state import DataFolder, RunningStack
from tests.bench import crowd
from tests.bench.floors import FloorFailed
from tests.bench.generator import GeneratorFailed
from tests.bench.machine import machine
from tests.bench.parts import accounts, directory, imports, intake, merges, order_lists, till
from tests.bench.record import Fill, Part, Record, series_of, spread
from tests.bench.settle import NotSettled
from tests.bench.site import Pace, Site
from tests.history.shop import Refused, Shop

_MEASURES: Mapping[Part, Sequence[Callable[[Site], None]]] = {
    "orders": (intake.measure,),
    "search": (directory.measure, order_lists.measure),
    "pos": (till.measure,),
    "import": (imports.measure,),
    "merge": (merges.measure,),
    "login": (accounts.measure,),
}


_FAILURES = (GeneratorFailed, FloorFailed, intake.NothingMeasured, NotSettled, Refused, TimeoutError, httpx.HTTPError)
_LEVELS = [{"name": "Silver 銀", "threshold_minor": 150_000}, {"name": "Gold 金", "threshold_minor": 300_000}]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to measure: which parts, in stores of which sizes, the smallest first, and how much of everything."""

    mode: str
    parts: Sequence[Part]
    sizes: Sequence[int]
    pace: Pace


def run(wish: Wish, folder: Path, say: Callable[[str], None]) -> Record:
    """Measures on a stack in the folder, which keeps its data. Raises ProcessError, DataFolderError."""
    began, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    fills = []
    say("starting a stack")
    with Stack(folder) as stack:
        demo = DemoStore(stack.running)
        demo.ensure_store()
        _ensure_levels(stack.running, demo.ensure_api_key())
        site = Site(stack, demo.ensure_api_key(), wish.pace, say, wish.sizes)
        for size in wish.sizes:
            filled = crowd.grow(stack.running, size, say)
            fills.append(
                Fill(members=size, added=filled.members, seconds=filled.seconds, database_bytes=filled.database_bytes)
            )
            site.members = size
            site.say = lambda what, size=size: say(f"{size:,} members: {what}")  # type: ignore[misc]
            for part in wish.parts:
                _measure(site, part)
    figures = site.figures
    return Record(
        at=at,
        seconds=round(time.monotonic() - began, 1),
        mode=wish.mode,
        parts=list(wish.parts),
        sizes=list(wish.sizes),
        machine=machine(),
        spin_ms=spread([figure.spin_ms for figure in figures if figure.spin_ms is not None]),
        others=spread([figure.others for figure in figures if figure.others is not None]),
        fills=fills,
        floors=site.all_floors,
        figures=figures,
        series=series_of(figures),
        profiles=site.profiles,
        faults=site.faults,
    )


def _measure(site: Site, part: Part) -> None:
    """One part; where it fails, the run goes on with the others and says so at the end."""
    try:
        for measure in _MEASURES[part]:
            measure(site)
    except _FAILURES as error:
        site.fault(f"{part}: {type(error).__name__}: {error}")


def _ensure_levels(running: RunningStack, api_key: str) -> None:
    """Two levels that some of the made-up members will reach, to filter by; given while the store is empty. Raises Refused."""
    shop = Shop(running.gateway_url, api_key)
    known = shop.get("/levels")
    if known["levels"] or shop.members(1):
        return
    rules = {"basis": "lifetime", "levels": _LEVELS, "version": known["version"]}
    seen = shop.post("/levels/simulate", rules)
    headers = {"Authorization": f"Bearer {api_key}", "Idempotency-Key": str(uuid4())}
    wish = rules | {"simulation_hash": seen["simulation_hash"]}
    saved = httpx.put(f"{running.gateway_url}/api/v1/levels", json=wish, headers=headers, timeout=30, trust_env=False)
    path = saved.raise_for_status().headers["Location"].removeprefix("/api/v1")
    while not shop.get(path).get("finished_at"):
        time.sleep(0.1)


def remove(folder: Path) -> None:
    """Deletes a stack's data. Raises DataFolderError while one runs from there."""
    DataFolder(folder).remove()
