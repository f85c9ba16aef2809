"""An import and its rows, as they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from services.common.errors import Violation

# Wrong with one row: `field` is the column's heading, empty for the row as a whole.
Problem = Violation


class ImportState(IntEnum):
    """Numbers as in the contract's ImportState."""

    # Pieces of the file are coming in.
    UPLOADING = 1
    # The file is whole; its encoding waits to be confirmed.
    UPLOADED = 2
    # Its rows are judged; nobody is a member by it yet.
    CHECKED = 3
    RUNNING = 4
    COMPLETED = 5
    # Nobody confirmed it within a week; the file is gone.
    EXPIRED = 6
    # Somebody let go of it before it was confirmed; the file is gone.
    DISCARDED = 7


class RowState(IntEnum):
    """Numbers as in the contract's ImportRowState."""

    # Found good; waits for its turn.
    READY = 1
    # The dry run found something to mend.
    REFUSED = 2
    # A member now.
    IMPORTED = 3
    # Good when it was checked and not any more when its turn came.
    FAILED = 4


@dataclass(frozen=True, slots=True)
class Staged:
    """A row of a file. `cells` is empty once they are not needed any more; `name` is the member's, once there is one."""

    number: int
    state: RowState
    cells: Sequence[str]
    problems: Sequence[Problem]
    customer_id: UUID
    name: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of an import by what became of them; `points` is what the good ones bring."""

    total: int = 0
    refused: int = 0
    imported: int = 0
    failed: int = 0
    points: int = 0


@dataclass(frozen=True, slots=True)
class Import:
    """One file of members. `check_number` counts the dry runs, so that what is confirmed is what was seen."""

    import_id: UUID
    state: ImportState
    file_name: str
    file_size: int
    recognised: str
    encoding: str
    region: str
    send_confirmations: bool
    check_number: int
    counts: Counts
    created_by: str
    created_at: datetime
    checked_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
