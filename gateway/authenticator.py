"""How long it is believed who holds a credential: staff's sessions and API keys, members' sessions (E6, F13)."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import structlog

from services.common.errors import Unauthenticated, Unavailable

log = structlog.get_logger()

# A revoked credential must stop working within a second (F13), so no answer is believed for longer.
FRESH_SECONDS = 1.0
# An order must be taken while identity_merge is down (E6): staff and programs whom it vouched for this recently are let in meanwhile.
# Nothing is revoked during that time, for the service that revokes is the one that is away; only what was revoked just before, unseen
# by this process, lives on until the outage ends. That is the price, and ten minutes its limit.
STALE_SECONDS = 600.0
# How long identity_merge may take over somebody new; and over somebody known, who would rather be let in than wait.
_PATIENT_SECONDS = 3.0
_KNOWN_SECONDS = 1.0
_REMEMBERED = 10_000
_LOCKS = 64


class Vouched(Protocol):
    """Who holds a credential, as identity_merge says it; `handle` is what is asked by again (keeper.py)."""

    @property
    def handle(self) -> bytes: ...


Holder = TypeVar("Holder", bound=Vouched)


@dataclass(slots=True)
class _Known(Generic[Holder]):
    holder: Holder
    vouched_at: float
    fresh_until: float
    used_at: float


class Authenticator(Generic[Holder]):
    """Asks identity_merge who holds a credential, at most once a second for each."""

    def __init__(
        self,
        ask: Callable[[str, float], Holder],
        now: Callable[[], float] = time.monotonic,
        stale_seconds: float = STALE_SECONDS,
    ) -> None:
        """`ask` finds out who holds a credential within so many seconds. After `stale_seconds` nobody is let in unasked."""
        self._ask = ask
        self._now = now
        self._stale_seconds = stale_seconds
        self._known: OrderedDict[bytes, _Known[Holder]] = OrderedDict()
        self._guard = threading.Lock()
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def holder(self, credential: str) -> Holder:
        """The holder. Raises Unauthenticated, or Unavailable when it cannot be found out."""
        digest = _digest(credential)
        if known := self._fresh(digest):
            known.used_at = self._now()
            return known.holder
        # One thread asks, the others of this credential wait for what it learns.
        with self._locks[digest[0] % _LOCKS]:
            known = self._fresh(digest)
            return known.holder if known else self._renew(digest, credential)

    def forget(self, credential: str) -> None:
        """Drops what is remembered of a credential, at log-out."""
        with self._guard:
            self._known.pop(_digest(credential), None)

    def forget_all(self, matches: Callable[[Holder], bool]) -> None:
        """Drops everybody of whom it is true, when somebody ends all sessions."""
        with self._guard:
            for digest in [d for d, known in self._known.items() if matches(known.holder)]:
                del self._known[digest]

    def used_within(self, seconds: float) -> list[tuple[float, bytes, bytes]]:
        """When those who have come within so many seconds last came, by which digest they are known here, and their handle."""
        since = self._now() - seconds
        with self._guard:
            return [(k.used_at, digest, k.holder.handle) for digest, k in self._known.items() if k.used_at >= since]

    def learn(self, digest: bytes, holder: Holder | None, asked_at: float) -> None:
        """What somebody else has asked at `asked_at`: who holds the credential now, None when nobody does."""
        with self._guard:
            known = self._known.get(digest)
            if known is None or known.vouched_at > asked_at:
                # Ended through this process meanwhile, or asked about since.
                return
            if holder is None:
                del self._known[digest]
                return
            known.holder, known.vouched_at, known.fresh_until = holder, asked_at, asked_at + FRESH_SECONDS

    def _fresh(self, digest: bytes) -> _Known[Holder] | None:
        known = self._known.get(digest)
        return known if known and known.fresh_until > self._now() else None

    def _renew(self, digest: bytes, credential: str) -> Holder:
        asked_at = self._now()
        known = self._known.get(digest)
        trusted = known if known and known.vouched_at + self._stale_seconds >= asked_at else None
        try:
            holder = self._ask(credential, _KNOWN_SECONDS if trusted else _PATIENT_SECONDS)
        except Unauthenticated:
            with self._guard:
                self._known.pop(digest, None)
            raise
        except Unavailable:
            if trusted is None:
                raise
            return self._stale(trusted)
        self._remember(digest, _Known(holder, asked_at, asked_at + FRESH_SECONDS, asked_at))
        return holder

    def _stale(self, known: _Known[Holder]) -> Holder:
        log.warning("identity_unreachable", vouched_seconds_ago=round(self._now() - known.vouched_at))
        # Believed for another second, so that not every request waits for the service that is away.
        known.fresh_until = self._now() + FRESH_SECONDS
        return known.holder

    def _remember(self, digest: bytes, known: _Known[Holder]) -> None:
        with self._guard:
            self._known[digest] = known
            self._known.move_to_end(digest)
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)


def _digest(credential: str) -> bytes:
    """What is remembered must not hold what an attacker could use."""
    return hashlib.sha256(credential.encode()).digest()
