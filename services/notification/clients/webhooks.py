"""Requests to merchants' own systems: signed as Standard Webhooks have it, to addresses of the public internet and no others.

A name is resolved here and every address of it judged, the connection is made to the very address that was judged, and certificate,
SNI and Host go by the name: it does not matter what the name stands for a moment later. Redirects are not followed, proxies not used,
a connection is used once, and an answer is read as far as people look at it.
"""

from __future__ import annotations

import asyncio
import math
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpcore
from standardwebhooks.webhooks import Webhook as Signer

from services.common import clock
from services.common.errors import InvalidInput
from services.notification.domain import (
    LONGEST_RESPONSE,
    LONGEST_RETRY_AFTER,
    Answer,
    Failure,
    Policy,
    Target,
    is_public,
    read_url,
)

CONNECT_SECONDS = 5.0
# How long the rest of an answer is waited for, once its status is there, and how much of it is read.
_BODY_SECONDS = 2.0
_LARGEST_BODY = 16 * 1024
_MOST_ADDRESSES = 3
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class Forbidden(Exception):
    """The name stands for an address that is none of the public internet."""


class UnknownHost(Exception):
    """The name stands for nothing."""


class Resolver:
    """Names of hosts in threads of their own: a name server that never answers holds up only what asks for its names."""

    def __init__(self, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "webhook-names")

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Addresses of a host. Raises OSError."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Lets go of the threads; what they still ask for is nobody's concern."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    return [str(address[4][0]) for address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Targets:
    """Which addresses webhooks may go to, by the policy of this place."""

    def __init__(self, policy: Policy, resolve: Resolve) -> None:
        self.policy = policy
        self._resolve = resolve

    async def check(self, url: str) -> str:
        """The address as it is to be kept. Raises InvalidInput for the field "url", also where its name stands for nothing now."""
        target = read_url(url, self.policy)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self.addresses(target.host, target.port)
        except Forbidden:
            raise InvalidInput.of("url", "url_private") from None
        except (UnknownHost, TimeoutError):
            raise InvalidInput.of("url", "url_host_unknown", host=target.host) from None
        return target.url

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """All addresses of a host, each of them judged. Raises Forbidden if any is not open, UnknownHost."""
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise UnknownHost(host) from error
        if not found:
            raise UnknownHost(host)
        if not all(is_public(address, self.policy) for address in found):
            raise Forbidden(host)
        return found


class _Vetted(httpcore.AsyncNetworkBackend):
    """Connects to judged addresses of a name instead of to the name."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._plain = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """To the first address that answers. Raises Forbidden, UnknownHost, and httpcore's errors."""
        refused: Exception | None = None
        for address in (await self._targets.addresses(host, port))[:_MOST_ADDRESSES]:
            try:
                return await self._plain.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                refused = error
        raise refused or UnknownHost(host)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never."""
        raise Forbidden(path)

    async def sleep(self, seconds: float) -> None:
        """As asyncio does."""
        await asyncio.sleep(seconds)


class Receivers:
    """Merchants' own systems, as the sender of webhooks knows them. `seconds` is the patience with one request, until it is answered."""

    def __init__(self, targets: Targets, seconds: float) -> None:
        self._targets = targets
        self._seconds = seconds
        self._backend = _Vetted(targets)
        self._tls = ssl.create_default_context()

    async def post(self, url: str, event_id: str, payload: str, secrets: Sequence[str]) -> Answer:
        """One request, signed with each of the secrets, and what came of it."""
        headers = signed_headers(event_id, payload, secrets, clock.now())
        try:
            target = read_url(url, self._targets.policy)
        except InvalidInput:
            return Answer(error=Failure.PRIVATE)  # the policy is another than when it was saved
        try:
            async with asyncio.timeout(self._seconds) as patience:
                return await self._ask(target, headers, payload.encode(), patience)
        except Exception as error:
            failure = _failure(error)
            if failure is None:
                raise
            return Answer(error=failure)

    async def _ask(self, target: Target, headers: Mapping[str, str], body: bytes, patience: asyncio.Timeout) -> Answer:
        timeout = {"connect": CONNECT_SECONDS, "read": self._seconds, "write": self._seconds, "pool": self._seconds}
        host = target.host.encode()
        connection = httpcore.AsyncHTTPConnection(
            httpcore.Origin(target.scheme.encode(), host, target.port), self._tls, network_backend=self._backend
        )
        async with (
            connection,
            connection.stream(
                "POST", target.url, headers=list(headers.items()), content=body, extensions={"timeout": timeout}
            ) as answer,
        ):
            patience.reschedule(None)  # the status has said what matters, and the rest has a patience of its own
            return _read(answer.status, dict(answer.headers), await _beginning(answer))


def signed_headers(event_id: str, payload: str, secrets: Sequence[str], at: datetime) -> dict[str, str]:
    """Headers of a request made at a time. One signature for each secret, the newest first, as the rotation of secrets needs it."""
    signatures = [Signer(secret).sign(event_id, at, payload) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "Onefold-Webhooks/1",
        "webhook-id": event_id,
        "webhook-timestamp": str(math.floor(at.timestamp())),
        "webhook-signature": " ".join(signatures),
        "content-length": str(len(payload.encode())),
    }


async def _beginning(answer: httpcore.Response) -> str:
    """As much of the body as comes soon."""
    body = b""
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            async for piece in answer.aiter_stream():
                body += piece[:_LARGEST_BODY]
                if len(body) >= _LARGEST_BODY:
                    break
    except (TimeoutError, httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        return _text(body)
    return _text(body)


def _text(body: bytes) -> str:
    """What people read of it, and a database can hold."""
    return body.decode(errors="replace").replace("\0", "\ufffd")[:LONGEST_RESPONSE]


def _read(status: int, headers: Mapping[bytes, bytes], body: str) -> Answer:
    if 200 <= status < 300:
        return Answer(status, response=body)
    error = Failure.REDIRECT if 300 <= status < 400 else Failure.STATUS
    named = {name.lower(): value.decode(errors="replace") for name, value in headers.items()}
    wait = _seconds(named.get(b"retry-after", "")) if status in (429, 502, 503, 504) else 0.0
    return Answer(status, error, body, wait)


def _seconds(text: str) -> float:
    """Retry-After, a number or a date, as far as it makes sense."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            until = parsedate_to_datetime(text)
        except ValueError:
            return 0.0
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - clock.now()).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if math.isfinite(seconds) else 0.0


_FAILURES: Sequence[tuple[type[Exception], Failure]] = (
    (Forbidden, Failure.PRIVATE),
    (UnknownHost, Failure.UNKNOWN_HOST),
    (TimeoutError, Failure.TIMEOUT),
    (httpcore.TimeoutException, Failure.TIMEOUT),
    (ssl.SSLError, Failure.TLS),
    (httpcore.ProtocolError, Failure.PROTOCOL),
    (httpcore.NetworkError, Failure.CONNECTION),
    (OSError, Failure.CONNECTION),
)


def _failure(error: Exception) -> Failure | None:
    if isinstance(error.__cause__, ssl.SSLError) or isinstance(error.__context__, ssl.SSLError):
        return Failure.TLS
    return next((failure for kind, failure in _FAILURES if isinstance(error, kind)), None)
