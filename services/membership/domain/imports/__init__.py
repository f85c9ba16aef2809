"""CSV import of members (D): the file, its encoding, its rows and what is wrong with them. Nothing here reads or writes anything."""

from services.membership.domain.imports.encodings import Encoding, decode, read_encoding, recognise
from services.membership.domain.imports.judging import Candidate, Held, Judged, Rules, judge, judge_held, judge_row
from services.membership.domain.imports.model import Counts, Import, ImportState, Problem, RowState, Staged
from services.membership.domain.imports.reading import (
    LARGEST_FILE,
    LARGEST_PART,
    MOST_ROWS,
    Row,
    check_kind,
    preview,
    read_rows,
)
from services.membership.domain.imports.sample import COLUMNS, PROBLEM_COLUMN, sample_file

__all__ = [
    "COLUMNS",
    "LARGEST_FILE",
    "LARGEST_PART",
    "MOST_ROWS",
    "PROBLEM_COLUMN",
    "Candidate",
    "Counts",
    "Encoding",
    "Held",
    "Import",
    "ImportState",
    "Judged",
    "Problem",
    "Row",
    "RowState",
    "Rules",
    "Staged",
    "check_kind",
    "decode",
    "judge",
    "judge_held",
    "judge_row",
    "preview",
    "read_encoding",
    "read_rows",
    "recognise",
    "sample_file",
]
