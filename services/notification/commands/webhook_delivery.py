"""The sender of webhooks: claims deliveries, posts them, writes down what came of it (H4).

At least once: whoever dies in between leaves a delivery that is sent again after its lease, under the same webhook-id, by which
receivers know it. So there is no `unknown` as messages have it. Each endpoint has few deliveries under way, and one that fails rests
between attempts.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import audit, clock, crash, outbox, telemetry
from services.common.database import Database, is_transient
from services.common.outbox import Waker
from services.common.sealing import SealBroken, Sealer
from services.common.telemetry.metrics import WEBHOOKS_SETTLED
from services.notification import domain, events, store
from services.notification.clients import Receivers
from services.notification.commands.delivery import GAP_SECONDS
from services.notification.domain import Answer, Attempt, Consignment, DisabledBecause, Failure, Verdict

SWEEP_SECONDS = 1.0
# Less than the grace period of a stop; what has no answer by then is given back.
FINISH_SECONDS = 12.0
BATCH = 1_000
T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class WebhookWay:
    """How webhooks go out: over `lanes` requests at once, of which an endpoint has at most `each`; secrets are opened by `sealer`."""

    receivers: Receivers
    sealer: Sealer
    lanes: int
    each: int
    # Longer than a request and what is written of it can take.
    lease_seconds: float


def secret_context(held_store: object, webhook_id: object) -> str:
    """What a webhook's secrets are sealed with, beside the key."""
    return f"webhooks/{held_store}/{webhook_id}"


async def tend_webhooks(database: Database) -> None:
    """Looks for deliveries of senders that died, and fails those whose endpoints take nothing any more."""
    async with database.across_stores() as tx:
        expired = await store.expire_deliveries(tx)
        await store.fail_disabled(tx, Failure.DISABLED, BATCH)
    for delivery_id in expired:
        log.warning("webhook_lease_expired", delivery_id=str(delivery_id))


async def purge_webhooks(database: Database, batch: int = BATCH) -> None:
    """Deletes deliveries of 30 days ago, in batches, so that nobody waits long."""
    purged = batch
    while purged == batch:
        async with database.across_stores() as tx:
            purged = await store.purge(tx, batch)


class WebhookSender:
    """Sends what is queued, for as long as the process lives."""

    def __init__(self, way: WebhookWay, database: Database, waker: Waker) -> None:
        self._way = way
        self._database = database
        self._waker = waker
        self._woken = asyncio.Event()
        self._under_way: dict[asyncio.Task[None], Consignment] = {}

    def wake(self) -> None:
        """Looks at once instead of at the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Sends until cancelled; then waits a while for answers, and gives back what has none."""
        try:
            while True:
                self._woken.clear()
                for held in await self._claim(self._way.lanes - len(self._under_way)):
                    task = asyncio.create_task(self._deliver(held))
                    self._under_way[task] = held
                    task.add_done_callback(self._done)
                await self._idle()
        finally:
            await self._finish()

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._under_way[task]
        self._woken.set()
        if not task.cancelled() and (error := task.exception()):
            # Its lease ends, and it is sent again.
            if is_transient(error):
                log.warning("webhooks_wait_for_database", error=type(error).__name__)
            else:
                log.error("webhook_not_settled", exc_info=error)

    async def _claim(self, free: int) -> list[Consignment]:
        if free <= 0:
            return []
        try:
            async with self._database.across_stores() as tx:
                return await store.claim_deliveries(tx, free, self._way.each, self._way.lease_seconds)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("webhooks_wait_for_database", error=type(error).__name__)
            return []

    async def _idle(self) -> None:
        """Waits for an event, the end of a request, or the next sweep."""
        if not self._under_way:
            await asyncio.sleep(GAP_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):  # wait_for may swallow a cancellation (Python 3.11)
                await self._woken.wait()

    async def _finish(self) -> None:
        if not self._under_way:
            return
        await asyncio.wait(self._under_way, timeout=FINISH_SECONDS)
        late = dict(self._under_way)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for held in late.values():
            try:
                async with self._database.across_stores() as tx:
                    await store.release_delivery(tx, held)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("webhook_not_given_back", error=type(error).__name__)

    async def _deliver(self, held: Consignment) -> None:
        telemetry.begin()
        at, started = clock.now(), time.perf_counter()
        answer = await self._post(held)
        crash.point("webhooks.after_post")
        attempt = Attempt(
            number=held.attempts,
            at=at,
            duration_ms=round((time.perf_counter() - started) * 1e3),
            status=answer.status,
            error=answer.error,
            response=answer.response,
        )
        await self._settle(held, attempt, domain.judge(answer, held.tries, held.failures))

    async def _post(self, held: Consignment) -> Answer:
        context = secret_context(held.store_id, held.webhook_id)
        try:
            secrets = [self._way.sealer.open(secret, context) for secret in held.secrets]
        except SealBroken as error:
            log.error("secret_not_opened", webhook_id=str(held.webhook_id), error=str(error))
            return Answer(error=Failure.SEAL)
        crash.point("webhooks.before_post")
        return await self._way.receivers.post(held.url, str(held.event_id), held.payload, secrets)

    async def _settle(self, held: Consignment, attempt: Attempt, verdict: Verdict) -> None:
        async def write(tx: AsyncConnection) -> tuple[bool, DisabledBecause]:
            settled, hopeless = await store.settle_delivery(tx, held, attempt, verdict)
            because = verdict.disable or (DisabledBecause.FAILING if hopeless else DisabledBecause.ENABLED)
            if settled and because:
                await _disable(tx, held, because)
            return settled, because

        settled, because = await self._patiently(write)
        WEBHOOKS_SETTLED.labels(verdict.state if settled else "anothers").inc()
        log.info(
            "webhook_settled" if settled else "webhook_was_anothers",
            delivery_id=str(held.delivery_id),
            type=held.type,
            state=verdict.state,
            attempts=held.attempts,
            status=attempt.status,
            error=attempt.error,
        )
        if because:
            self._waker.wake()

    async def _patiently(self, write: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Writes what is known for certain, while the database is away: less would be sent twice. Ends with the lease."""
        until = time.monotonic() + self._way.lease_seconds
        while True:
            try:
                async with self._database.across_stores() as tx:
                    return await write(tx)
            except Exception as error:
                if not is_transient(error) or time.monotonic() > until:
                    raise
                log.warning("webhooks_wait_for_database", error=type(error).__name__)
                await asyncio.sleep(0.5)


async def _disable(tx: AsyncConnection, held: Consignment, because: DisabledBecause) -> None:
    if await store.disable_webhook(tx, held.store_id, held.webhook_id, because) is None:
        return
    told = audit.change("disabled_because", DisabledBecause.ENABLED, because)
    noted = events.noted("service:notification", "webhook.disabled", "webhook", held.webhook_id, [told])
    await outbox.add(tx, held.store_id, [noted])
