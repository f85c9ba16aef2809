"""The driver's connection, which need not ask again what PostgreSQL's own types are."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, ClassVar

import asyncpg

# Numbers from here on are given in each database to the types that are made there.
_FIRST_MADE = 16_384


class Connection(asyncpg.Connection):  # type: ignore[misc]  # the driver carries no types
    """Keeps for the whole process what a list of PostgreSQL's own types is.

    The driver asks at the first list of each kind on each connection, by a recursive query over the catalogue that costs the server
    more than ten milliseconds, as much as all that a new connection costs beside.
    """

    _known: ClassVar[dict[frozenset[int], Any]] = {}

    async def _introspect_types(self, typeoids: Iterable[int], seconds: float | None) -> tuple[Any, Any]:
        numbers = frozenset(typeoids)
        if numbers in self._known:
            # The name of the statement that asked; without one it would have taken the place of the one that is prepared.
            return self._known[numbers], SimpleNamespace(name="none")
        types, asked = await super()._introspect_types(numbers, seconds)
        if max(numbers) < _FIRST_MADE:
            self._known[numbers] = types
        return types, asked
