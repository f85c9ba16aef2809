"""Passwords of staff, as argon2id hashes (rule 10)."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# Two at a time: a storm of logins must neither take all cores from the other calls nor memory without bound.
_AT_ONCE = 2


class Passwords:
    """Hashes and verifies in threads, for one takes tens of milliseconds and 19 MiB."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._nobodys = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """What to keep of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password is the one kept as `known`. None, for nobody, takes just as long and is always False."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, known, password)

    def _verify(self, known: str | None, password: str) -> bool:
        try:
            self._hasher.verify(known or self._nobodys, password)
        except VerifyMismatchError:
            return False
        return known is not None
