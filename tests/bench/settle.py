"""When a stack has come to rest: every event read by whom it concerns, every mail sent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from deploy.audit.events import pending
from deploy.audit.joins import Databases
from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS, RunningStack

_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"
_MAILS = "SELECT count(*) FROM messages WHERE state IN ('queued', 'claimed', 'sending')"
_ALL_MAILS = "SELECT count(*) FROM messages"
_MAIL_WORDS = "notification: messages waiting"


class NotSettled(Exception):
    """Something was still on its way when the time was up."""


class Rest:
    """Looks into the databases of a running stack."""

    def __init__(self, running: RunningStack) -> None:
        self._urls = {context: running.databases[context].admin for context in CONTEXTS}

    def events(self, seconds: float = 120.0) -> float:
        """Waits until every event is read; how many seconds that took. Raises NotSettled."""
        return self._wait(seconds, _events_under_way)

    def mails(self, seconds: float) -> float | None:
        """Waits until no mail is queued; how many seconds that took, or None when that was not enough."""
        try:
            return self._wait(seconds, lambda databases: databases.value("notification", _MAILS))
        except NotSettled:
            return None

    def count_mails(self) -> tuple[int, int]:
        """Mails in all, and those of them that wait."""

        async def count() -> tuple[int, int]:
            async with Databases.open(self._urls) as databases:
                waiting = await databases.value("notification", _MAILS)
                return await databases.value("notification", _ALL_MAILS), waiting

        return run_sync(count())

    def count_members(self) -> int:
        """Members of all stores."""

        async def count() -> int:
            async with Databases.open(self._urls) as databases:
                return await databases.value("membership", "SELECT count(*) FROM customers WHERE status = 2")

        return run_sync(count())

    def _wait(self, seconds: float, left: Callable[[Databases], Awaitable[int]]) -> float:
        async def wait() -> float:
            started = time.monotonic()
            async with Databases.open(self._urls) as databases:
                while count := await left(databases):
                    if time.monotonic() > started + seconds:
                        raise NotSettled(f"after {seconds:.0f} s {count} are still on their way")
                    await asyncio.sleep(0.05)
            return time.monotonic() - started

        return run_sync(wait())


async def _events_under_way(databases: Databases) -> int:
    # The cheap question first: the other counts whole tables.
    for context in CONTEXTS:
        if count := await databases.value(context, _UNPUBLISHED):
            return count
    found = await pending(databases)
    found.pop(_MAIL_WORDS, None)
    return sum(found.values())
