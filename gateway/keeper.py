"""Keeps this process informed about everybody whom it has seen lately, so that their requests need not wait for it.

Whom identity_merge vouched for is believed for one second (authenticator.py), and people turn pages more slowly: nearly each of their
requests would ask. Instead one thread asks about all of them at once, twice a second. What a request then pays is a look into a
dictionary, and who has been logged out is still out within a second (F13). Whoever is not kept, or not in time, is asked about as before.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic

import structlog

from gateway.authenticator import STALE_SECONDS, Authenticator, Holder
from onefold.identity_merge.v1.authentication_pb2 import Verdict
from services.common import telemetry
from services.common.errors import OnefoldError

log = structlog.get_logger()

# Half of what an answer is good for: one that takes its time, too, comes before it is missed.
PERIOD_SECONDS = 0.5
# A page is read for minutes; after that, asking costs one request a millisecond or two.
KEPT_SECONDS = 300.0
# As many as identity_merge answers at once. Of more, those who came last.
MOST_KEPT = 200
# Not to be a burden to a service that is in trouble.
_AFTER_FAILURE_SECONDS = 5.0
Ask = Callable[[Sequence[bytes]], Sequence[Verdict]]


class _Kept(Generic[Holder]):
    """One kind of credentials: who holds them, and how that is read from a verdict (None: nobody)."""

    def __init__(self, authenticator: Authenticator[Holder], read: Callable[[Verdict], Holder | None]) -> None:
        self.used_within = authenticator.used_within
        self._authenticator = authenticator
        self._read = read

    def learn(self, digest: bytes, verdict: Verdict, asked_at: float) -> None:
        self._authenticator.learn(digest, self._read(verdict), asked_at)


class Keeper:
    """Asks anew, twice a second, about those who have come within the last minutes; `ask` puts the question for all."""

    def __init__(self, ask: Ask, now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask
        self._now = now
        self._kept: list[_Kept[Any]] = []
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self._closed = threading.Event()

    def authenticator(
        self,
        ask: Callable[[str, float], Holder],
        read: Callable[[Verdict], Holder | None],
        stale_seconds: float = STALE_SECONDS,
    ) -> Authenticator[Holder]:
        """An authenticator that is kept informed from the first credential on that is vouched for."""

        def first_ask(credential: str, seconds: float) -> Holder:
            holder = ask(credential, seconds)
            self._start()
            return holder

        authenticator = Authenticator(first_ask, self._now, stale_seconds)
        self._kept.append(_Kept(authenticator, read))
        return authenticator

    def renew(self) -> int:
        """Asks about everybody who is kept; about how many. Raises the errors of the tree, and then nobody has learnt anything."""
        seen = [(*used, kept) for kept in self._kept for used in kept.used_within(KEPT_SECONDS)]
        seen.sort(key=lambda used: used[0], reverse=True)
        del seen[MOST_KEPT:]
        asked_at = self._now()
        verdicts = self._ask([handle for _, _, handle, _ in seen]) if seen else ()
        for (_, digest, _, kept), verdict in zip(seen, verdicts, strict=True):
            kept.learn(digest, verdict, asked_at)
        return len(seen)

    def close(self) -> None:
        """Asks no more."""
        self._closed.set()
        if self._thread:
            self._thread.join()

    def _start(self) -> None:
        """Begins with the first who is vouched for: in the process that answers requests, and not in one that has yet to fork."""
        if self._thread is None:
            with self._guard:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
                    self._thread.start()

    def _run(self) -> None:
        pause = PERIOD_SECONDS
        while not self._closed.wait(pause):
            telemetry.begin()
            pause = PERIOD_SECONDS
            try:
                self.renew()
            except Exception as error:
                # Whatever it is, everybody is asked about when they come, until this works again.
                unforeseen = None if isinstance(error, OnefoldError) else error
                log.warning("not_kept_informed", error=f"{type(error).__name__}: {error}", exc_info=unforeseen)
                pause = _AFTER_FAILURE_SECONDS
