"""Imports and their rows, as programs send and read them (D)."""

from __future__ import annotations

from typing import Literal

from flask_openapi3.models import RawModel
from pydantic import Field

from gateway.api.fields import AnswerModel, Id, Json, PageQuery, QueryModel, RequestModel, Time, when, when_set, word
from gateway.reasons import sentence_of
from gateway.uploads import LONGEST_FILE_NAME
from onefold.membership.v1 import imports_pb2 as pb

_INT32 = 2**31 - 1
_STATES: dict[int, str] = {
    number: name.removeprefix("IMPORT_STATE_").lower() for name, number in pb.ImportState.items() if number
}
_ROW_STATES: dict[int, str] = {
    number: name.removeprefix("IMPORT_ROW_STATE_").lower() for name, number in pb.ImportRowState.items() if number
}
_ENCODINGS = "utf-8, utf-16-le, utf-16-be, big5-hkscs, cp950 or gb18030; empty for the one that is recognised."


class CsvFile(RawModel):
    """The file itself."""

    mimetypes = ["text/csv"]  # noqa: RUF012 - as flask-openapi3 reads it


class UploadQuery(QueryModel):
    """About the file."""

    file_name: str = Field(default="members.csv", max_length=LONGEST_FILE_NAME)
    encoding: str = Field(default="", description=_ENCODINGS)


class CheckIn(RequestModel):
    """How to read the file."""

    encoding: str = Field(default="", description=_ENCODINGS)


class ConfirmIn(RequestModel):
    """Which dry run is confirmed."""

    check_number: int = Field(ge=-_INT32, le=_INT32, description="As it stood in the import that was looked at.")
    send_confirmations: bool = Field(
        default=True, description="Whether new members with an e-mail get a confirmation e-mail, as from an order (A4)."
    )


class RowsQuery(PageQuery):
    """Which rows."""

    problems_only: bool = False


class PreviewQuery(QueryModel):
    """In which encoding."""

    encoding: str = Field(default="", description=_ENCODINGS)


class RowCounts(AnswerModel):
    """Rows by what became of them."""

    total: int
    ready: int = Field(description="Good and nobody's account yet.")
    refused: int = Field(description="Refused by the dry run.")
    imported: int = Field(description="Members now.")
    failed: int = Field(description="Refused by the real run, because the store had changed since.")


class Import(AnswerModel):
    """One file of members."""

    import_id: Id
    state: Literal["uploading", "uploaded", "checked", "running", "completed", "expired", "discarded", "other"]
    file_name: str
    file_size: int
    recognised_encoding: str
    encoding: str
    send_confirmations: bool
    check_number: int
    rows: RowCounts
    points_total: int = Field(description="Points that the good rows bring.")
    created_by: str
    created_at: Time
    checked_at: Time | None
    started_at: Time | None
    finished_at: Time | None


class ImportList(AnswerModel):
    """Newest first."""

    items: list[Import]
    next_page_token: str | None


class ImportProblem(AnswerModel):
    """Something to mend."""

    column: str = Field(description="The column's heading; empty for the row, or the file, as a whole.")
    reason: str = Field(description="Stable word; see the list of problems.")
    detail: str = Field(description="What to mend, in the language of Accept-Language (en or zh-Hant).")


class ImportRow(AnswerModel):
    """One row; `number` as spreadsheets count, the header being row 1."""

    number: int
    state: Literal["ready", "refused", "imported", "failed", "other"]
    cells: list[str] = Field(description="As in the file; empty once the row is a member, and after seven days.")
    problems: list[ImportProblem]
    customer_id: Id | None


class ImportRowList(AnswerModel):
    """In the order of the file."""

    columns: list[str]
    items: list[ImportRow]
    next_page_token: str | None


class Preview(AnswerModel):
    """The first lines of the file as the encoding reads them, and what is wrong with it as a whole."""

    encoding: str
    lines: list[list[str]]
    problems: list[ImportProblem]


def import_json(found: pb.Import) -> Json:
    """As in Import."""
    ready = found.rows_total - found.rows_refused - found.rows_imported - found.rows_failed
    return {
        "import_id": found.import_id,
        "state": word(found.state, _STATES),
        "file_name": found.file_name,
        "file_size": found.file_size,
        "recognised_encoding": found.recognised_encoding,
        "encoding": found.encoding,
        "send_confirmations": found.send_confirmations,
        "check_number": found.check_number,
        "rows": {
            "total": found.rows_total,
            "ready": ready,
            "refused": found.rows_refused,
            "imported": found.rows_imported,
            "failed": found.rows_failed,
        },
        "points_total": found.points_total,
        "created_by": found.created_by,
        "created_at": when(found.created_at),
        "checked_at": when_set(found, "checked_at"),
        "started_at": when_set(found, "started_at"),
        "finished_at": when_set(found, "finished_at"),
    }


def row_json(row: pb.ImportRow) -> Json:
    """As in ImportRow."""
    return {
        "number": row.number,
        "state": word(row.state, _ROW_STATES),
        "cells": list(row.cells),
        "problems": [problem_json(problem) for problem in row.problems],
        "customer_id": row.customer_id or None,
    }


def problem_json(problem: pb.ImportProblem) -> Json:
    """As in ImportProblem."""
    detail = sentence_of(problem.reason, problem.params)
    return {"column": problem.column, "reason": problem.reason, "detail": detail}


def preview_json(found: pb.PreviewImportResponse) -> Json:
    """As in Preview."""
    return {
        "encoding": found.encoding,
        "lines": [list(line.cells) for line in found.lines],
        "problems": [problem_json(problem) for problem in found.problems],
    }
