"""Waiting for what happens by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(what: Callable[[], T], saying: str, seconds: float = 30) -> T:
    """Asks until the answer is true and gives it; fails with `saying` when the time is up."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {saying}"
        time.sleep(0.1)
    return answer
