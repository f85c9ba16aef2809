"""A server that is away is tried by one lane at a time, ever more seldom, until it answers (L)."""

from __future__ import annotations

import asyncio

from services.notification.commands.breaker import Breaker


async def test_while_a_server_is_away_one_lane_tries_it_and_the_others_wait() -> None:
    stopping, tries = asyncio.Event(), []
    breaker, loop = Breaker("email", stopping), asyncio.get_running_loop()
    breaker.away(0)

    async def lane() -> None:
        async with breaker.turn():
            tries.append(loop.time())
            if len(tries) > 1:
                breaker.answered()
            else:
                breaker.away(0)

    begun = loop.time()
    await asyncio.gather(*(lane() for _ in range(6)))
    waits = [at - begun for at in tries]
    assert len(waits) == 6
    assert 0.9 < waits[0] < waits[1]
    assert waits[1] - waits[0] > 1.9
    assert waits[5] - waits[1] < 0.9, "once it has answered, nobody waits any more"
    assert not breaker.is_open


async def test_lanes_that_find_out_together_lengthen_the_pause_once_and_a_stop_ends_it() -> None:
    stopping = asyncio.Event()
    breaker, loop = Breaker("sms", stopping), asyncio.get_running_loop()
    for _ in range(10):
        breaker.away(0)
    begun = loop.time()
    async with breaker.turn():
        assert 0.9 < loop.time() - begun < 1.9
    breaker.away(600)
    stopping.set()
    async with breaker.turn():
        assert loop.time() - begun < 5
