"""The sender of a channel: claims its messages, sends them, writes down what came of it (G2, E).

A lane is one connection to the mail server or the provider of SMS, with one message at a time. The order of steps is what E rests on:
envelope, `sending` committed, content, outcome committed. Whoever dies before `sending` leaves a message that is sent again; whoever
dies after it leaves one that nobody sends again unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, telemetry
from services.common.database import Database, is_transient
from services.common.errors import Unavailable
from services.common.outbox import Waker
from services.common.telemetry.metrics import MESSAGES_SETTLED
from services.notification import domain, events, store
from services.notification.clients import Away, Lane, Refused, Undecided
from services.notification.commands.breaker import Breaker
from services.notification.domain import Cause, Channel, Claimed, Outcome, State, Unwanted

BATCH = 20
SWEEP_SECONDS = 1.0
# Every batch of events wakes all senders, and most bring nothing for one of them: who has found nothing looks again no sooner.
GAP_SECONDS = 0.1
# Less than the grace period of a stop; a message whose content is on its way must be allowed to arrive.
FINISH_SECONDS = 12.0
_LOST = "the sender died while the server had the message; whether it was sent is not known"
Letter = TypeVar("Letter")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Way(Generic[Letter]):
    """How messages of a channel go out: written by `write` (None when nobody needs it any more), over `lanes` lanes at once.

    `retry_seconds` is the wait after a first failure; a lease is longer than any step between two commits can take.
    """

    channel: Channel
    write: Callable[[Claimed], Awaitable[Letter | None]]
    lane: Callable[[], Lane[Letter]]
    lanes: int
    per_second: float
    retry_seconds: float
    lease_seconds: float


class Pace:
    """Hands out turns at an even rate, shared by all lanes."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Waits until it is one's turn."""
        now = asyncio.get_running_loop().time()
        mine = max(self._next, now)
        self._next = mine + self._gap
        await asyncio.sleep(mine - now)


async def expire_leases(database: Database) -> None:
    """Looks for the messages of senders that died."""
    async with database.across_stores() as tx:
        for message_id, state in await store.expire_leases(tx, _LOST):
            log.warning("lease_expired", message_id=str(message_id), state=state)


class Sender(Generic[Letter]):
    """Sends what is queued, for as long as the process lives."""

    def __init__(self, way: Way[Letter], database: Database, waker: Waker) -> None:
        self._way = way
        self._database = database
        self._waker = waker
        self._pace = Pace(way.per_second)
        self._claimed: deque[Claimed] = deque()
        self._claiming = asyncio.Lock()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._breaker = Breaker(way.channel, self._stopping)

    def wake(self) -> None:
        """Looks at once instead of at the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Sends until cancelled; then finishes what is under way and gives back what was only claimed."""
        lanes = [asyncio.create_task(self._lane()) for _ in range(self._way.lanes)]
        try:
            await asyncio.wait(lanes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            self._woken.set()
            await asyncio.wait(lanes, timeout=FINISH_SECONDS)
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)
            await self._give_back()
        for task in lanes:
            task.result()  # they are endless: one that ended has failed, and the process ends with its error

    async def _lane(self) -> None:
        lane = self._way.lane()
        try:
            while await self._one(lane):
                continue
        finally:
            await lane.close()

    async def _one(self, lane: Lane[Letter]) -> bool:
        """One message, when it is the lane's turn; False when the process stops."""
        async with self._breaker.turn():
            claimed = await self._next()
            if claimed is None:
                return False
            if away := await self._deliver(lane, claimed):
                self._breaker.away(away.seconds)
                await self._give_back()
            return True

    async def _next(self) -> Claimed | None:
        """The next message; None when the process stops."""
        async with self._claiming:
            most = 1 if self._breaker.is_open else BATCH
            while not self._claimed and not self._stopping.is_set():
                self._woken.clear()
                try:
                    async with self._database.across_stores() as tx:
                        batch = await store.claim(tx, self._way.channel, most, self._way.lease_seconds)
                        if batch:
                            crash.point("notification.before_claim_commit")
                    self._claimed.extend(batch)
                except Exception as error:
                    if not is_transient(error):
                        raise
                    log.warning("sender_waits_for_database", error=type(error).__name__)
                if not self._claimed:
                    await self._idle()
            return None if self._stopping.is_set() else self._claimed.popleft()

    async def _idle(self) -> None:
        """Waits for a wake-up or the next sweep."""
        await asyncio.sleep(GAP_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):  # wait_for may swallow a cancellation (Python 3.11)
                await self._woken.wait()

    async def _deliver(self, lane: Lane[Letter], claimed: Claimed) -> Away | None:
        """One attempt and its outcome; tells when the server was away."""
        telemetry.begin(traceparent=claimed.traceparent)
        try:
            with telemetry.span(f"deliver {claimed.message.kind}", telemetry.CONSUMER) as span:
                outcome, away = await self._try(lane, claimed)
                if outcome is not None:
                    span.set_attribute("onefold.message.state", outcome.state)
                    await self._settle(claimed, outcome)
        finally:
            telemetry.end()
        return away

    async def _try(self, lane: Lane[Letter], claimed: Claimed) -> tuple[Outcome | None, Away | None]:
        outcome: Outcome | None
        away, retry = None, self._way.retry_seconds
        try:
            outcome = await self._attempt(lane, claimed)
        except Away as error:
            outcome, away = domain.put_off(claimed, str(error), Cause.SERVER_AWAY, retry, error.seconds), error
        except Refused as error:
            self._breaker.answered()
            outcome = self._refusal(claimed, error)
        except Undecided as error:
            outcome = domain.undecided(str(error))
        except ValueError as error:
            # An address or a text that no message can hold; trying again would not mend it.
            await lane.close()
            outcome = domain.refused(f"the message cannot be written: {error}", Cause.UNWRITABLE)
        except Unwanted as error:
            outcome = domain.not_needed(str(error), Cause.UNSUBSCRIBED)
        except Unavailable as error:
            outcome = domain.waits(claimed, str(error), retry)
        except Exception as error:
            # A message that cannot be written or sent for a reason nobody thought of must not stop the others.
            await lane.close()
            log.exception("attempt_failed", message_id=str(claimed.message.message_id))
            outcome = domain.put_off(claimed, type(error).__name__, Cause.FAULT, retry)
        return outcome, away

    def _refusal(self, claimed: Claimed, error: Refused) -> Outcome:
        if error.permanent:
            return domain.refused(str(error), error.cause)
        return domain.put_off(claimed, str(error), error.cause, self._way.retry_seconds)

    async def _attempt(self, lane: Lane[Letter], claimed: Claimed) -> Outcome | None:
        """The way to the server and no further; None when the message turns out to be another sender's."""
        letter = await self._way.write(claimed)
        if letter is None:
            return domain.not_needed("confirmed, withdrawn or expired in the meantime")
        await self._pace.turn()
        await lane.open(letter)
        if not await self._patiently(lambda tx: store.mark_sending(tx, claimed, self._way.lease_seconds)):
            await lane.reset()
            return None
        crash.point("notification.before_data")
        provider_id = await lane.transmit(letter)
        self._breaker.answered()
        crash.point("notification.after_data")
        return domain.sent(provider_id)

    async def _settle(self, claimed: Claimed, outcome: Outcome) -> None:
        sent_at = clock.now() if outcome.state is State.SENT else None
        message = replace(
            claimed.message,
            state=outcome.state,
            error=outcome.error,
            cause=outcome.cause,
            sent_at=sent_at,
            provider_id=outcome.provider_id,
        )
        told = events.settled(message)
        written = await self._patiently(lambda tx: store.settle(tx, claimed, outcome, sent_at, told))
        MESSAGES_SETTLED.labels(message.channel, outcome.state if written else "anothers").inc()
        log.info(
            "message_settled" if written else "message_was_anothers",
            message_id=str(message.message_id),
            kind=message.kind,
            channel=message.channel,
            state=outcome.state,
            attempts=message.attempts,
        )
        if told:
            self._waker.wake()

    async def _patiently(self, write: Callable[[AsyncConnection], Awaitable[bool]]) -> bool:
        """Writes what this process knows for certain, however long the database is away: a restart of it must not lose it.

        All such writes are one statement, and may be repeated: they are fenced, and change nothing the second time.
        """
        while True:
            try:
                async with self._database.at_once() as tx:
                    return await write(tx)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("sender_waits_for_database", error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _give_back(self) -> None:
        """Claims that were not tried are free for others at once; should that fail, their lease ends by itself."""
        claimed = list(self._claimed)
        self._claimed.clear()
        if not claimed:
            return
        try:
            async with self._database.across_stores() as tx:
                await store.release(tx, claimed)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("claims_not_given_back", error=type(error).__name__)
