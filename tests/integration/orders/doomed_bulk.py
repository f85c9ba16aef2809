"""A worker of orders that goes on with runs and dies at ONEFOLD_CRASH_AT; after ONEFOLD_PASSES batches, if that is set.

<worker's database URL>
"""

from __future__ import annotations

import asyncio
import os
import sys

from services.common import crash
from services.common.database import Database, connect
from services.orders import commands

_passes = int(os.environ.get("ONEFOLD_PASSES", "0"))
_die_at = crash.point


def _later(name: str) -> None:
    """Lets the first few batches pass."""
    global _passes
    if name == "orders.bulk.before_commit":
        _passes -= 1
    if _passes < 0:
        _die_at(name)


async def main(url: str) -> None:
    crash.point = _later
    await commands.run_bulk(Database(connect(url, connections=2, name="doomed")))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
