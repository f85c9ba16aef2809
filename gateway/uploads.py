"""Files of members on their way through: in pieces to membership, and the failed rows back as a file. The same for REST and console."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from typing import IO

from gateway import context
from gateway.clients import services
from gateway.edge import LARGEST_FILE_MB
from gateway.reasons import sentence_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import imports_pb2 as pb
from services.common.errors import InvalidInput

LONGEST_FILE_NAME = 200
_LARGEST_FILE = LARGEST_FILE_MB * 1024 * 1024
_PIECE = 1024 * 1024
_PAGE = 100
_PROBLEM = "Problem"
# What a spreadsheet would calculate is kept from it by an apostrophe, which reading takes off again.
_ACTIVE = re.compile(r"^(?=[=+\-@\t\r])")


def upload(stream: IO[bytes], file_name: str, key: str) -> pb.Import:
    """Hands a file on, piece by piece, and ends the upload. The same key and file again is the same import (E7).

    Raises InvalidInput (file_too_large and what is no CSV at all), Conflict (idempotency_key_reused).
    """
    imports = services().imports
    # What a form calls the file, nobody chose for us: it is cut, where a program's name is refused.
    import_id = imports.start(pb.StartImportRequest(file_name=file_name[:LONGEST_FILE_NAME]), key=key).import_id
    received = 0
    while piece := stream.read(_PIECE):
        # A slow line is no fault of the services: the request's time counts from what has come in.
        context.begin()
        if received + len(piece) > _LARGEST_FILE:
            raise InvalidInput.of("file", "file_too_large", largest=str(LARGEST_FILE_MB))
        imports.append(pb.AppendFileRequest(import_id=import_id, offset=received, content=piece))
        received += len(piece)
    return imports.finish(pb.FinishUploadRequest(import_id=import_id)).record


def check_key(key: str) -> str:
    """The key of the dry run that follows an upload with `key` in one request."""
    return hashlib.sha256(f"check {key}".encode()).hexdigest()


def rows_of(import_id: str, *, problems_only: bool) -> Iterator[tuple[list[str], pb.ImportRow]]:
    """Every row of an import with the columns of the format, page by page."""
    token = ""
    while True:
        found = services().imports.list_rows(
            pb.ListImportRowsRequest(
                import_id=import_id, page=PageRequest(size=_PAGE, token=token), problems_only=problems_only
            )
        )
        for row in found.rows:
            yield list(found.columns), row
        token = found.next_page_token
        if not token:
            return


def failed_rows(import_id: str) -> bytes:
    """The rows that are nobody's, in the format of the sample and with what to mend: after mending it uploads as it is (D4)."""
    text = io.StringIO()
    writer = csv.writer(text)
    for number, (columns, row) in enumerate(rows_of(import_id, problems_only=True)):
        if number == 0:
            writer.writerow([*columns, _PROBLEM])
        # A row of too many cells is shown with all of them: what to do with them, only a person can say.
        cells = list(row.cells) if row.problems[0].reason == "ragged_row" else list(row.cells[: len(columns)])
        cells += [""] * (len(columns) - len(cells))
        writer.writerow([_ACTIVE.sub("'", cell) for cell in (*cells, " ".join(map(sentence, row.problems)))])
    return codecs.BOM_UTF8 + text.getvalue().encode()


def sentence(problem: pb.ImportProblem) -> str:
    """What to mend, in the request's language, with the column it is about."""
    words = sentence_of(problem.reason, problem.params)
    return f"{problem.column}: {words}" if problem.column else words
