"""A relay that rests is stopped at once, also in the moment in which it is woken (SIGTERM within the grace period)."""

from __future__ import annotations

import asyncio
from unittest.mock import AsyncMock, Mock

import pytest

from services.common import outbox
from services.common.channel import address_of
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


async def test_a_relay_ends_although_its_publishing_has_swallowed_the_cancellation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As nats-py's waits may (Python 3.11); a worker then outlived its grace period (fault 29)."""
    relay, publishing = Relay(Mock(), AsyncMock()), asyncio.Event()

    async def publish() -> int:
        publishing.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return 1
        return 0

    monkeypatch.setattr(outbox, "listen", AsyncMock())
    monkeypatch.setattr(relay, "publish_batch", publish)
    task = asyncio.create_task(relay.run())
    await publishing.wait()
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.5)
    assert done


def test_a_target_may_name_its_resolver() -> None:
    assert address_of("orders:50051") == "dns:///orders:50051"
    assert address_of("dns://10.0.0.10/orders:50051") == "dns://10.0.0.10/orders:50051"
