"""A relay that rests is stopped at once, also in the moment in which it is woken (SIGTERM within the grace period)."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest

from services.common.outbox import Relay


@pytest.mark.parametrize("turns", range(4))
async def test_a_relay_that_is_woken_and_cancelled_at_once_ends(turns: int) -> None:
    relay = Relay(Mock(), AsyncMock())

    async def rest() -> None:
        while True:
            await relay._rest(0)

    task = asyncio.create_task(rest())
    await asyncio.sleep(0.01)
    relay.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.5)
    task.cancel()
    assert done
