"""A worker of membership that saves levels and dies at ONEFOLD_CRASH_AT.

<worker's database URL>
"""

from __future__ import annotations

import asyncio
import sys

from services.common.database import Database, connect
from services.membership import commands
from tests.integration.membership.conftest import HASHER


async def main(url: str) -> None:
    context = commands.Context(Database(connect(url, connections=2, name="doomed")), HASHER, lambda: None)
    await commands.run_level_saves(context)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
