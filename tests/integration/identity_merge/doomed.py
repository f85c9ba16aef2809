"""A process that does one thing of identity_merge and dies at ONEFOLD_CRASH_AT on the way.

work <worker's database URL> <address of the others>
commit <app's database URL> <address of the others> <store id> <plan id> <plan hash>
"""

from __future__ import annotations

import asyncio
import sys
from uuid import UUID

from services.common.tokens import ServiceClaims
from services.identity_merge.commands.merges import commit_merge
from services.identity_merge.commands.runner import Runner
from tests.integration.identity_merge.conftest import make_context
from tests.support.calls import once


async def main(task: str, url: str, others: str, *words: str) -> None:
    context = make_context(url, others)
    if task == "work":
        await Runner(context).work_one()
        return
    store_id, plan_id, plan_hash = words
    who = ServiceClaims(actor="staff:doomed", role="owner", store_id=store_id)
    await commit_merge(context, who, once(who, "doomed"), UUID(plan_id), plan_hash)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
