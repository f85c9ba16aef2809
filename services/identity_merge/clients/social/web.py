"""HTTP to providers: https alone, no redirects, no proxies, no cookies, an end to time and size of every answer."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from services.identity_merge.domain.social import Away, is_safe

LARGEST_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body. Has what Authlib asks of an answer."""

    status_code: int
    body: bytes

    def json(self) -> Any:
        """The body's JSON. Raises ValueError."""
        return json.loads(self.body)

    def raise_for_status(self) -> None:
        """Raises Away for what is an error."""
        if self.status_code >= 400:
            raise Away(f"http_{self.status_code}")

    def found(self) -> dict[str, Any]:
        """The object of a good answer. Raises Away."""
        if self.status_code != 200:
            raise Away(f"http_{self.status_code}")
        try:
            found = self.json()
        except (ValueError, RecursionError) as error:
            raise Away("no_json") from error
        if not isinstance(found, dict):
            raise Away("no_object")
        return found


class Web:
    """Calls, one connection each: they are few, and nothing of one person's is near another's."""

    def __init__(self, *, loopback: bool) -> None:
        self._loopback = loopback

    async def get(self, address: str, headers: Mapping[str, str], seconds: float) -> Answer:
        """Raises Away."""
        return await self._send("GET", address, headers, None, seconds)

    async def post(self, address: str, headers: Mapping[str, str], body: str, seconds: float) -> Answer:
        """Raises Away."""
        return await self._send("POST", address, headers, body.encode(), seconds)

    async def _send(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes | None, seconds: float
    ) -> Answer:
        # Some addresses come from a provider's own description of itself.
        if not is_safe(address, loopback=self._loopback):
            raise Away("unsafe_address")
        # A compressed answer could be small here and huge a moment later.
        wanted = {**headers, "Accept-Encoding": "identity"}
        try:
            async with (
                asyncio.timeout(seconds),
                httpx.AsyncClient(verify=_tls(), trust_env=False, timeout=seconds) as client,
                client.stream(method, address, headers=wanted, content=body) as answer,
            ):
                return Answer(answer.status_code, await _read(answer))
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, TimeoutError, ValueError) as error:
            raise Away(type(error).__name__) from error


async def _read(answer: httpx.Response) -> bytes:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise Away("compressed")
    body = b""
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise Away("too_large")
    return body


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
