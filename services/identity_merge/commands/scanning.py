"""Looks through stores for accounts that may be one person's, each scan in a process of its own (F12).

What compares people takes up to 700 MB, for a minute, so it is never loaded here. The child claims what is due, stores one after the
other, and ends; a store is scanned by one process at a time, and one whose process was killed is begun anew when its lease has run out.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.common.database import Database
from services.identity_merge.store import scans

LOOK_SECONDS = 1.0
_END_SECONDS = 5.0
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Scanner:
    """Starts the process when a store is due. `every`: between two scans that nobody has asked for; 0: none of those."""

    database: Database
    every: timedelta

    async def look(self) -> None:
        """Waits for the process to its end, if there is work for one; it is ended with this one."""
        async with self.database.across_stores() as tx:
            due = await scans.is_due(tx, self.every)
        if due:
            await _run()


async def _run() -> None:
    child = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.identity_merge.main", "scan")
    try:
        code = await child.wait()
    except asyncio.CancelledError:
        await asyncio.shield(_end(child))
        raise
    if code:
        log.warning("scan_died", code=code)


async def _end(child: asyncio.subprocess.Process) -> None:
    child.terminate()
    try:
        async with asyncio.timeout(_END_SECONDS):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
