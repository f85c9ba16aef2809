"""A page that breaks off in the middle, as a file does whose next page nobody gives; beside it one that says which process answers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """WSGI."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return _broken() if environ["PATH_INFO"] == "/broken" else [str(os.getpid()).encode()]


def _broken() -> Iterator[bytes]:
    yield b"the first page"
    raise LookupError("there is no second")
