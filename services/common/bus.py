"""JetStream: the only module that knows NATS.

One stream per context, file storage; one durable pull consumer per reading service and stream. Publishing waits for every
acknowledgement, so a batch is either stored whole or published again (same `Nats-Msg-Id`; readers have an inbox besides). Each
message that is stored by itself waits for the disk by itself; many go as one batch, which waits once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import nats
import nats.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DeliverPolicy,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import Error as JetStreamError
from nats.js.errors import NotFoundError

from services.common.config import Environment

__all__ = [
    "Bus",
    "BusUnavailable",
    "Lag",
    "Msg",
    "Outgoing",
    "fetch",
    "heed_cancellation",
    "stream_of",
    "subject_of",
]
CONTEXTS = ("membership", "orders", "identity_merge", "notification")
ACK_WAIT_SECONDS = 30
PUBLISH_SECONDS = 5.0
# JetStream's own de-duplication: a help against doubled publishes, never the guarantee (rule 1).
DUPLICATE_WINDOW_SECONDS = 120
KEEP_SECONDS = 7 * 86_400
# Fewer are cheaper one by one: a batch is laid down apart before it becomes a part of the stream.
_FEWEST_AT_ONCE = 16
# Some of a batch are there already, since an acknowledgement was lost; or the stream was made by a release that knew no batches.
_ONE_BY_ONE = {10201, 10174}
# A server that hangs is left for another after 6 to 9 s; unasked, nats-py waits for it for four minutes.
PING_SECONDS, PINGS = 3, 2
log = structlog.get_logger()


class BusUnavailable(Exception):
    """The broker cannot be reached, or did not acknowledge; whether a message was stored is unknown."""


_AWAY = (nats.errors.Error, JetStreamError, OSError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a reader is behind a stream, in events: not sent to it yet, and sent without being acknowledged."""

    pending: int
    unacknowledged: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One event on its way out. `type` is "<context>.<event>.v1"."""

    type: str
    payload: bytes
    event_id: UUID
    store_id: UUID
    aggregate_id: UUID
    version: int
    occurred_at: datetime
    traceparent: str

    def headers(self) -> dict[str, str]:
        """CloudEvents in NATS' binary mode, and what JetStream and the inbox need."""
        headers = {
            "Nats-Msg-Id": str(self.event_id),
            "ce-specversion": "1.0",
            "ce-id": str(self.event_id),
            "ce-type": f"onefold.{self.type}",
            "ce-source": f"/onefold/{self.type.partition('.')[0]}",
            "ce-subject": str(self.aggregate_id),
            "ce-time": self.occurred_at.isoformat(),
            "ce-storeid": str(self.store_id),
            "ce-aggregateversion": str(self.version),
            "content-type": "application/protobuf",
        }
        return headers | {"traceparent": self.traceparent} if self.traceparent else headers


def subject_of(event_type: str) -> str:
    """The NATS subject of an event type; it carries no personal data."""
    return f"onefold.{event_type}"


def stream_of(context: str) -> str:
    """The stream that holds a context's events."""
    return f"ONEFOLD_{context.upper()}"


class Bus:
    """A connection that is made when first needed and made again when lost."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        replicas: int = 1,
        ack_seconds: float = ACK_WAIT_SECONDS,
        duplicate_seconds: float = DUPLICATE_WINDOW_SECONDS,
    ) -> None:
        """`url`: of one server, or of each of a cluster's, with commas between.

        `ack_seconds`: when a message that was fetched and not acknowledged goes to somebody else, for its reader has died.

        `duplicate_seconds`: for how long JetStream knows a message again.
        """
        self._urls = url.split(",")
        self._name = name
        self._replicas = replicas
        self._ack_seconds = ack_seconds
        self._duplicate_seconds = duplicate_seconds
        self._client: Client | None = None
        self._js: JetStreamContext | None = None
        self._lock = asyncio.Lock()

    @classmethod
    def of(cls, environment: Environment, name: str) -> Bus:
        """As ONEFOLD_NATS_URL, _REPLICAS, _ACK_SECONDS and _DUPLICATE_SECONDS say. Raises ConfigError."""
        return cls(
            environment.text("NATS_URL"),
            name=name,
            replicas=environment.number("NATS_REPLICAS", 1),
            ack_seconds=environment.number("NATS_ACK_SECONDS", ACK_WAIT_SECONDS),
            duplicate_seconds=environment.number("NATS_DUPLICATE_SECONDS", DUPLICATE_WINDOW_SECONDS),
        )

    async def jetstream(self) -> JetStreamContext:
        """The JetStream context. Raises BusUnavailable."""
        async with self._lock:
            if self._js is None:
                try:
                    self._client = await nats.connect(
                        self._urls,
                        **_login(self._urls[0]),
                        name=self._name,
                        connect_timeout=2,
                        max_reconnect_attempts=-1,
                        reconnect_time_wait=1,
                        allow_reconnect=True,
                        error_cb=_report,
                        drain_timeout=5,
                        ping_interval=PING_SECONDS,
                        max_outstanding_pings=PINGS,
                    )
                except (*_AWAY, ValueError) as error:
                    raise BusUnavailable(f"cannot connect: {type(error).__name__}") from error
                self._js = self._client.jetstream(timeout=PUBLISH_SECONDS, publish_async_max_pending=4_096)
            return self._js

    async def ensure_streams(self) -> None:
        """Makes the streams that are missing and brings settings up to date. Raises BusUnavailable."""
        js = await self.jetstream()
        for context in CONTEXTS:
            config = StreamConfig(
                name=stream_of(context),
                subjects=[f"onefold.{context}.>"],
                retention=RetentionPolicy.LIMITS,
                storage=StorageType.FILE,
                discard=DiscardPolicy.OLD,
                max_age=KEEP_SECONDS,
                duplicate_window=self._duplicate_seconds,
                num_replicas=self._replicas,
                allow_atomic=True,
            )
            try:
                try:
                    await js.stream_info(stream_of(context))
                    await js.update_stream(config)
                except NotFoundError:
                    await js.add_stream(config)
            except _AWAY as error:
                raise BusUnavailable(f"cannot make stream {context}: {error}") from error

    async def publish(self, messages: Sequence[Outgoing]) -> None:
        """Stores all messages, those of one stream in order.

        Raises BusUnavailable when any acknowledgement is missing; then publish all again.
        """
        js = await self.jetstream()
        try:
            async with asyncio.timeout(PUBLISH_SECONDS):
                if len(messages) < _FEWEST_AT_ONCE or not await self._at_once(messages):
                    pending = [
                        await js.publish_async(
                            subject_of(m.type), m.payload, headers=m.headers(), wait_stall=PUBLISH_SECONDS
                        )
                        for m in messages
                    ]
                    await asyncio.gather(*pending)
        except NotFoundError as error:
            await self.ensure_streams()
            raise BusUnavailable("the stream was gone and has been made again") from error
        except _AWAY as error:
            if isinstance(error, nats.errors.NoRespondersError) or type(error).__name__ == "NoStreamResponseError":
                await self.ensure_streams()
            raise BusUnavailable(f"not acknowledged: {type(error).__name__}") from error

    async def _at_once(self, messages: Sequence[Outgoing]) -> bool:
        """All or none of them, by one write to the disk (ADR-50 of NATS); False where they have to go one by one."""
        client = self._client
        if client is None or len({m.type.partition(".")[0] for m in messages}) > 1:
            return False
        batch = uuid4().hex
        for number, m in enumerate(messages, 1):
            headers = m.headers() | {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            if number < len(messages):
                await client.publish(subject_of(m.type), m.payload, headers=headers)
        told = await client.request(
            subject_of(m.type), m.payload, timeout=PUBLISH_SECONDS, headers=headers | {"Nats-Batch-Commit": "1"}
        )
        refusal = orjson.loads(told.data).get("error")
        if refusal is None:
            return True
        if refusal.get("err_code") not in _ONE_BY_ONE:
            raise BusUnavailable(f"not stored: {refusal.get('description')}")
        return False

    async def subscribe(self, reader: str, context: str, types: Sequence[str]) -> JetStreamContext.PullSubscription:
        """The durable consumer of service `reader` on a context's stream. Raises BusUnavailable."""
        js = await self.jetstream()
        config = ConsumerConfig(
            durable_name=reader,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=self._ack_seconds,
            max_ack_pending=2_000,
            filter_subjects=[subject_of(t) for t in types],
        )
        try:
            await js.add_consumer(stream_of(context), config)
            return await js.pull_subscribe_bind(durable=reader, stream=stream_of(context))
        except NotFoundError as error:
            await self.ensure_streams()
            raise BusUnavailable("the stream was gone and has been made again") from error
        except _AWAY as error:
            raise BusUnavailable(f"cannot subscribe to {context}: {error}") from error

    async def lag(self, reader: str, context: str) -> Lag | None:
        """Of the durable consumer of service `reader` on a context's stream; None before there is one. Raises BusUnavailable."""
        js = await self.jetstream()
        try:
            told = await js.consumer_info(stream_of(context), reader)
        except NotFoundError:
            return None
        except _AWAY as error:
            raise BusUnavailable(f"cannot look at the consumer of {context}: {type(error).__name__}") from error
        return Lag(told.num_pending or 0, told.num_ack_pending or 0)

    async def answers(self) -> bool:
        """Whether the connection to the broker stands."""
        return self._client is not None and self._client.is_connected

    async def close(self) -> None:
        """Ends the connection; unacknowledged messages will be delivered again."""
        if self._client is not None:
            with contextlib.suppress(*_AWAY):
                await self._client.close()


async def fetch(
    subscription: JetStreamContext.PullSubscription, batch: int, wait_seconds: float, gather_seconds: float
) -> list[Msg]:
    """Up to `batch` messages: waits for the first, and `gather_seconds` for what comes with it. Raises BusUnavailable."""
    try:
        first = await subscription.fetch(1, timeout=wait_seconds)
    except TimeoutError:  # an empty fetch ends so by design
        return []
    except _AWAY as error:
        raise BusUnavailable(f"cannot fetch: {type(error).__name__}") from error
    await asyncio.sleep(gather_seconds)
    try:
        return first + await subscription.fetch(batch - 1, timeout=0.01)
    except _AWAY:
        return first  # the next round finds out whether the broker is away


def heed_cancellation() -> None:
    """Raises CancelledError when the current task was cancelled and goes on all the same.

    nats-py waits by `asyncio.wait_for`, which may swallow a cancellation (Python 3.11); a loop would then outlive its process's stop.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _login(url: str) -> dict[str, str]:
    """User and password apart from the address: servers that the cluster tells of by themselves have none in theirs."""
    parts = urlsplit(url)
    if parts.username is None or parts.password is None:
        return {}
    return {"user": unquote(parts.username), "password": unquote(parts.password)}


async def _report(error: Exception) -> None:
    log.warning("broker_error", error=f"{type(error).__name__}: {error}"[:200])
