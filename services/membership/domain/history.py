"""A customer's past, as far as membership knows it (F13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to the customer, or to an account that was merged into it. `kind` as in the contract."""

    entry_id: str
    at: datetime
    kind: str
    actor: str
    customer_id: UUID
    text: str = ""
    points: int = 0
    reason: int = 0
    order_id: UUID | None = None
    merge_run_id: UUID | None = None
