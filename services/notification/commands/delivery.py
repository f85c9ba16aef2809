"""The sender: claims messages, sends them, writes down what came of it (G2, E).

A lane is one SMTP connection with one message at a time. The order of steps is what E rests on: envelope, `sending` committed,
content, outcome committed. Whoever dies before `sending` leaves a message that is sent again; whoever dies after it leaves one that
nobody sends again unasked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.common import clock, crash, telemetry
from services.common.database import Database, is_transient
from services.common.errors import Unavailable
from services.common.links import Links
from services.common.outbox import Waker
from services.notification import domain, events, store
from services.notification.clients import Connection, MailServer, MailServerAway, Refused, Secrets, Undecided
from services.notification.clients.smtp import LAST_ANSWER_FACTOR
from services.notification.domain import Claimed, Kind, Outcome, State
from services.notification.templates import Mail, Templates

BATCH = 20
SWEEP_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
# Less than the grace period of a stop; a mail whose content is on its way must be allowed to arrive.
FINISH_SECONDS = 12.0
_LOST = "the sender died while the mail server had the message; whether it was sent is not known"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SenderSettings:
    """`mail_from` is an address, `public_url` the gateway as customers reach it, `links` signs the ways to their orders,
    `retry_seconds` the wait after a first failure.
    """

    server: MailServer
    mail_from: str
    public_url: str
    links: Links
    connections: int
    per_second: float
    retry_seconds: float

    @property
    def lease_seconds(self) -> float:
        """Longer than any step between two commits can take."""
        return self.server.seconds * (LAST_ANSWER_FACTOR + 3)


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


class Sender:
    """Sends what is queued, for as long as the process lives."""

    def __init__(
        self,
        settings: SenderSettings,
        database: Database,
        secrets: Secrets,
        templates: Templates,
        waker: Waker,
    ) -> None:
        self._settings = settings
        self._database = database
        # For writes of one statement, which need no BEGIN and COMMIT around them: two round trips less, twice for each mail.
        self._one_by_one = database.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._secrets = secrets
        self._templates = templates
        self._waker = waker
        self._pace = Pace(settings.per_second)
        self._claimed: deque[Claimed] = deque()
        self._claiming = asyncio.Lock()
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

    def wake(self) -> None:
        """Looks at once instead of at the next sweep."""
        self._woken.set()

    async def run(self) -> None:
        """Sends until cancelled; then finishes the mails under way and gives back those that were only claimed."""
        lanes = [asyncio.create_task(self._lane()) for _ in range(self._settings.connections)]
        sweeper = asyncio.create_task(self._sweep())
        try:
            await asyncio.wait([*lanes, sweeper], return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._stopping.set()
            self._woken.set()
            sweeper.cancel()
            await asyncio.wait(lanes, timeout=FINISH_SECONDS)
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, sweeper, return_exceptions=True)
            await self._give_back()
        for task in (*lanes, sweeper):
            task.result()  # they are endless: one that ended has failed, and the process ends with its error

    async def _sweep(self) -> None:
        """Looks for the messages of senders that died."""
        while True:
            try:
                async with self._database.across_stores() as tx:
                    for message_id, state in await store.expire_leases(tx, _LOST):
                        log.warning("lease_expired", message_id=str(message_id), state=state)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("sweep_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _lane(self) -> None:
        connection = Connection(self._settings.server, self._settings.mail_from.rpartition("@")[2])
        pause = 0.0
        try:
            while claimed := await self._next():
                away = await self._deliver(connection, claimed)
                pause = min(max(1.0, 2 * pause), LONGEST_PAUSE_SECONDS) if away else 0.0
                if away:
                    await self._give_back()
                    await self._pause(pause)
        finally:
            await connection.close()

    async def _next(self) -> Claimed | None:
        """The next message; None when the process stops."""
        async with self._claiming:
            while not self._claimed and not self._stopping.is_set():
                self._woken.clear()
                try:
                    async with self._database.across_stores() as tx:
                        batch = await store.claim(tx, BATCH, self._settings.lease_seconds)
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
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), SWEEP_SECONDS)

    async def _pause(self, seconds: float) -> None:
        """Leaves the mail server alone for a while; only a stop ends the pause."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _deliver(self, connection: Connection, claimed: Claimed) -> bool:
        """One attempt and its outcome; true when the mail server was away."""
        telemetry.begin()
        away, retry = False, self._settings.retry_seconds
        try:
            outcome = await self._attempt(connection, claimed)
        except MailServerAway as error:
            outcome, away = domain.put_off(claimed, str(error), retry), True
        except Refused as error:
            outcome = domain.refused(str(error)) if error.permanent else domain.put_off(claimed, str(error), retry)
        except Undecided as error:
            outcome = domain.undecided(str(error))
        except ValueError as error:
            # An address or a text that no mail can hold; trying again would not mend it.
            await connection.close()
            outcome = domain.refused(f"the mail cannot be written: {error}")
        except Unavailable as error:
            outcome = domain.waits(claimed, str(error), retry)
        except Exception as error:
            # A message that cannot be written or sent for a reason nobody thought of must not stop the others.
            await connection.close()
            log.exception("attempt_failed", message_id=str(claimed.message.message_id))
            outcome = domain.put_off(claimed, type(error).__name__, retry)
        if outcome is not None:
            await self._settle(claimed, outcome)
        return away

    async def _attempt(self, connection: Connection, claimed: Claimed) -> Outcome | None:
        """The way to the server and no further; None when the message turns out to be another sender's."""
        mail = await self._write(claimed)
        if mail is None:
            return domain.not_needed("confirmed, withdrawn or expired in the meantime")
        await self._pace.turn()
        await connection.open_envelope(mail.sender, mail.recipient)
        if not await self._patiently(lambda tx: store.mark_sending(tx, claimed, self._settings.lease_seconds)):
            await connection.reset()
            return None
        crash.point("notification.before_data")
        await connection.transmit(mail.content)
        crash.point("notification.after_data")
        return domain.SENT

    async def _write(self, claimed: Claimed) -> Mail | None:
        extra = {}
        if claimed.message.kind is Kind.CONFIRM_LOGIN:
            token = await self._secrets.confirmation(claimed.store_id, claimed.params["login_method_id"])
            if not token:
                return None
            extra["link"] = f"{self._settings.public_url}/s/confirm?token={quote(token, safe='')}"
        elif claimed.message.kind is Kind.LOGIN_CODE:
            code = await self._secrets.code(claimed.store_id, claimed.params["code_id"])
            if code is None:
                return None
            extra["code"] = code
        elif claimed.message.order_id:
            slug = claimed.store.slug
            token = self._settings.links.order(slug, claimed.store_id, claimed.message.order_id, clock.now())
            extra["link"] = f"{self._settings.public_url}/s/{slug}/orders/{token}"
        return self._templates.write(claimed, self._settings.mail_from, extra)

    async def _settle(self, claimed: Claimed, outcome: Outcome) -> None:
        sent_at = clock.now() if outcome.state is State.SENT else None
        message = replace(claimed.message, state=outcome.state, error=outcome.error, sent_at=sent_at)
        told = events.settled(message)
        written = await self._patiently(lambda tx: store.settle(tx, claimed, outcome, sent_at, told))
        log.info(
            "message_settled" if written else "message_was_anothers",
            message_id=str(message.message_id),
            kind=message.kind,
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
                async with self._one_by_one.connect() as tx:
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
