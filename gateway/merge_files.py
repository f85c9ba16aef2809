"""Groups of accounts to be merged, from a file or pasted, and the report of what became of them. The same for REST and console."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Response

from gateway.clients import services
from gateway.exports import csv_response, pages_of, safe
from gateway.reasons import sentence_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import batches_pb2 as pb
from services.common.errors import InvalidInput
from services.common.paging import LARGEST_SIZE

# Groups of a batch; more are the service's to refuse.
MOST_GROUPS = 1_000
OTHERS = ("other_1", "other_2", "other_3", "other_4")
COLUMNS = ("primary_id", *OTHERS, "points", "expires_on", "description")
# Of a report; a file that was one is read as it is, without them.
_TOLD = ("result", "problem")
SAMPLE = codecs.BOM_UTF8 + (",".join(COLUMNS) + "\r\n").encode()
_OTHER = re.compile(r"other_ids(?:\[(\d)\])?")
# What an export has put before a cell that a spreadsheet would calculate (exports.safe).
_ARMOURED = re.compile(r"^'(?=[=+\-@])")
_STATES = {
    pb.MERGE_GROUP_STATE_WAITING: "waiting",
    pb.MERGE_GROUP_STATE_READY: "ready",
    pb.MERGE_GROUP_STATE_RUNNING: "running",
    pb.MERGE_GROUP_STATE_MERGED: "merged",
    pb.MERGE_GROUP_STATE_FAILED: "failed",
}


def read_file(content: bytes) -> list[pb.MergeGroupWish]:
    """Groups of a CSV file in UTF-8 or UTF-16. Raises InvalidInput on "file" (not_utf8 and those of `read`)."""
    try:
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return read(content.decode("utf-16" if wide else "utf-8-sig"), "file")
    except UnicodeDecodeError:
        raise InvalidInput.of("file", "not_utf8") from None


def read(text: str, field: str) -> list[pb.MergeGroupWish]:
    """A group in each line, with commas, semicolons or tabs; the header may be left out. What is in the cells, the service judges.

    Raises InvalidInput on `field` (wrong_columns, broken_quotes); no group at all is the service's to refuse.
    """
    rows = list(_rows(text, field))
    if rows and rows[0][0].lower() == COLUMNS[0]:
        header = tuple(cell.lower() for cell in rows.pop(0))
        if header not in (COLUMNS, COLUMNS + _TOLD):
            raise InvalidInput.of(field, "wrong_columns", columns=", ".join(COLUMNS))
    return [_wish(row) for row in rows]


def _rows(text: str, field: str) -> Iterator[list[str]]:
    first = text.lstrip().partition("\n")[0]
    parted = next((sign for sign in "\t;" if sign in first), ",")
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=parted, strict=True):
            cells = [_ARMOURED.sub("", cell.strip()) for cell in row]
            if not any(cells):
                continue
            if any(cells[len(COLUMNS) + len(_TOLD) :]):
                raise InvalidInput.of(field, "wrong_columns", columns=", ".join(COLUMNS))
            yield cells
    except csv.Error:
        raise InvalidInput.of(field, "broken_quotes") from None


def _wish(cells: Sequence[str]) -> pb.MergeGroupWish:
    """Blank cells after the last account are no accounts; one between two is a gap, which the service names."""
    cells = [*cells, *[""] * (len(COLUMNS) - len(cells))]
    others = list(cells[1 : 1 + len(OTHERS)])
    while others and not others[-1]:
        others.pop()
    points, expires_on, description = cells[1 + len(OTHERS) : len(COLUMNS)]
    return pb.MergeGroupWish(
        primary_id=cells[0], other_ids=others, points=points, expires_on=expires_on, description=description
    )


def column_of(problem: pb.MergeGroupProblem) -> str:
    """The column that a problem is about; empty for the group as a whole."""
    if found := _OTHER.fullmatch(problem.field):
        return OTHERS[min(int(found[1] or 0), len(OTHERS) - 1)]
    return problem.field


def mend(problem: pb.MergeGroupProblem) -> str:
    """What to mend, in the request's language."""
    return sentence_of(problem.reason, problem.params)


def state_word(group: pb.MergeGroup) -> str:
    """How far a group is, as programs read it."""
    return _STATES.get(group.state, "other")


def report(batch_id: str, *, failed_only: bool) -> Response:
    """What became of each group as CSV, page by page: the columns of the upload, and two more. Raises NotFound."""
    request = pb.ListMergeGroupsRequest(batch_id=batch_id, failed_only=failed_only, page=PageRequest(size=LARGEST_SIZE))
    pages = pages_of(services().merge_batches.list_groups, request, lambda answer: answer.groups)
    return csv_response("merges", [*COLUMNS, *_TOLD], pages, _row)


def _row(group: pb.MergeGroup) -> list[Any]:
    wish = group.wish
    others = [*wish.other_ids, *[""] * len(OTHERS)][: len(OTHERS)]
    told = [f"{column}: {mend(p)}" if (column := column_of(p)) else mend(p) for p in group.problems]
    cells = [wish.primary_id, *others, wish.points, wish.expires_on, wish.description]
    return [*map(safe, cells), state_word(group), " ".join(told)]
