"""Passwords of staff, as argon2id hashes (rule 10)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# Two at a time: a storm of logins must neither take all cores from the other calls nor memory without bound.
_AT_ONCE = 2
# Memory in KiB (rule 10).
HASHER = PasswordHasher(time_cost=3, memory_cost=19_456, parallelism=1)
# Of zxcvbn's grades 0 to 4: more than 10^8 guesses, which a slow hash makes too many. Looking takes time by the square of the length.
_STRONG, _LOOKED_AT = 3, 72


class Passwords:
    """Hashes and verifies in threads, for one takes tens of milliseconds and 19 MiB."""

    def __init__(self, hasher: PasswordHasher = HASHER) -> None:
        """No setting says how much a hash costs: `hasher` is for tests, which log in thousands of times."""
        self._hasher = hasher
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="argon2")
        self._nobodys = hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """What to keep of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def is_strong(self, password: str, hints: Sequence[str]) -> bool:
        """Whether it withstands guessing by the words, names, dates and patterns that people use; `hints` are tried first."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _is_strong, password, hints)

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password is the one kept as `known`. None, for nobody, takes just as long and is always False."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._verify, known, password)

    def _verify(self, known: str | None, password: str) -> bool:
        try:
            self._hasher.verify(known or self._nobodys, password)
        except VerifyMismatchError:
            return False
        return known is not None


def _is_strong(password: str, hints: Sequence[str]) -> bool:
    # Imported here: its lists of words are 14 MiB, and most processes never see a new password.
    from zxcvbn import zxcvbn

    return int(zxcvbn(password[:_LOOKED_AT], [hint for hint in hints if hint])["score"]) >= _STRONG
