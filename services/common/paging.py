"""Keyset pages: a list is continued from the last row's key, never from an offset."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from services.common.errors import InvalidInput

DEFAULT_SIZE = 25
LARGEST_SIZE = 100
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; `next_token` is empty on the last."""

    items: Sequence[T]
    next_token: str = ""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """How many rows (1 … 100) after which key."""

    size: int = DEFAULT_SIZE
    after: tuple[Any, ...] | None = None

    @classmethod
    def read(cls, size: int, token: str, keys: int) -> PageRequest:
        """From a request; `keys` is the number of parts of the list's key. Raises InvalidInput."""
        if not 0 <= size <= LARGEST_SIZE:
            raise InvalidInput.of("page.size", "too_large", largest=str(LARGEST_SIZE))
        after: tuple[Any, ...] | None = None
        if token:
            try:
                after = tuple(orjson.loads(base64.urlsafe_b64decode(token.encode())))
            except (ValueError, TypeError, binascii.Error):
                after = ()
            if len(after) != keys:
                raise InvalidInput.of("page.token", "invalid_page_token")
        return cls(size or DEFAULT_SIZE, after)

    def cut(self, rows: Sequence[T], key: Callable[[T], tuple[Any, ...]]) -> Page[T]:
        """A page of rows that were read with `limit size + 1`; the one too many tells that more follow."""
        if len(rows) <= self.size:
            return Page(rows)
        kept = rows[: self.size]
        return Page(kept, base64.urlsafe_b64encode(orjson.dumps(key(kept[-1]))).decode())
