"""The way to several gateways: as a balancer sends requests, one after the other to whom it knows to be there, over kept connections."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence

import httpx


class Balancer(httpx.BaseTransport):
    """Sends each request to the next of `addresses()`, repeats nothing, and counts what came of it. Safe for threads."""

    def __init__(self, addresses: Callable[[], Sequence[str]]) -> None:
        self._addresses = addresses
        self._turn = itertools.count()
        limits = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._http = httpx.HTTPTransport(limits=limits, trust_env=False)
        # By status, or by the name of the connection's error.
        self.outcomes: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer of one gateway. Raises httpx.TransportError."""
        there = self._addresses()
        address = httpx.URL(there[next(self._turn) % len(there)])
        url = request.url.copy_with(host=address.host, port=address.port)
        sent = httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
        try:
            response = self._http.handle_request(sent)
        except httpx.TransportError as error:
            self.outcomes[type(error).__name__] += 1
            raise
        self.outcomes[str(response.status_code)] += 1
        return response

    def close(self) -> None:
        """Closes the connections, once nobody uses them."""
        self._http.close()
