"""What the commands need of the process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.common.database import Database
from services.common.identifiers import IdentifierHasher


@dataclass(frozen=True, slots=True)
class Context:
    """`wake` tells the relay that events were committed."""

    database: Database
    hasher: IdentifierHasher
    wake: Callable[[], None]
