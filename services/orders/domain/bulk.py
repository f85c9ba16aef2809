"""One change made to many orders, by the worker (E1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.orders.domain.parts import Status

# A run of more would go on for many minutes, and nobody looks through the list of what it could not do.
MOST_ORDERS = 10_000
# What many orders can become at once; REFUNDED by giving back all that is left.
GOALS = (Status.PROCESSING, Status.SHIPPED, Status.COMPLETED, Status.REFUNDED)


class BulkState(IntEnum):
    """Numbers as in the contract's BulkRunState."""

    QUEUED = 1
    RUNNING = 2
    DONE = 3


@dataclass(frozen=True, slots=True)
class BulkRun:
    """`done` orders of `total` were tried, of which `refused` could not be changed. `method` counts for refunds alone."""

    run_id: UUID
    goal: Status
    method: int
    note: str
    total: int
    requested_by: str
    requested_at: datetime
    state: BulkState = BulkState.QUEUED
    done: int = 0
    refused: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefusedOrder:
    """An order that stayed as it is, for a stable reason; `place` is its place in the run. What is None is no order."""

    place: int
    order_id: UUID
    reason: str
    number: int | None
    status: Status | None
    total: int | None
    currency: str | None
