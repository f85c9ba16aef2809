"""The store through its public API, as its documentation asks: a key for every write, patience with what may pass."""

from __future__ import annotations

import asyncio
import random
from typing import Any
from uuid import uuid4

from tests.bench.client import Answer, Api, BrokenAnswer, Connection

# A database that is started again, and services that look for it.
PATIENCE_SECONDS = 240.0
_TRY_AGAIN = {429, 502, 503, 504}
_BROKEN = (BrokenAnswer, OSError, TimeoutError)


class Refused(Exception):
    """The API said no for good; `reason` is its stable word."""

    def __init__(self, request: str, answer: Answer) -> None:
        self.reason = str(answer.json().get("reason", ""))
        super().__init__(f"{request}: {answer.status} {answer.body.decode(errors='replace')[:300]}")


class Patient:
    """One client with one connection; `repeats` counts what had to be sent again."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._connection = Connection(api)
        self.repeats = 0

    async def get(self, path: str) -> dict[str, Any]:
        """A resource. Raises Refused, TimeoutError."""
        return await self._sure(path, self._api.get(f"/api/v1{path}"))

    async def post(self, path: str, body: object, key: str = "") -> dict[str, Any]:
        """Writes once, whatever the network does (E7). Raises Refused, TimeoutError."""
        return await self._sure(path, self._api.post(f"/api/v1{path}", body, key or str(uuid4())))

    async def close(self) -> None:
        """Closes the connection."""
        await self._connection.__aexit__()

    async def _sure(self, path: str, request: bytes) -> dict[str, Any]:
        pause, trouble, loop = 0.1, "", asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while loop.time() < deadline:
            try:
                answer = await self._connection.send(request)
            except _BROKEN as error:
                trouble = f"{type(error).__name__}: {error}"
                await self._connection.__aexit__()
                self._connection = Connection(self._api)
            else:
                if answer.status < 300:
                    return answer.json()
                if answer.status not in _TRY_AGAIN:
                    raise Refused(path, answer)
                trouble = f"HTTP {answer.status}"
            self.repeats += 1
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2.0, pause * 2)
        raise TimeoutError(f"{path} was not taken within {PATIENCE_SECONDS:.0f} s: {trouble}")
