"""From a file to rows: what the file as a whole must be (D1). All faults here are the file's, with the row where they stand."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from services.common.errors import InvalidInput, Violation, Violations
from services.membership.domain.imports.encodings import Encoding, decode
from services.membership.domain.imports.sample import COLUMNS, PROBLEM_COLUMN

LARGEST_FILE = 15 * 1024 * 1024
# A piece of a file on its way, well below what a call can carry.
LARGEST_PART = 1024 * 1024
MOST_ROWS = 500
# Lines, blank ones among them, and cells of a line: far above what a spreadsheet leaves behind. What is longer is not looked at.
_MOST_LINES, _MOST_CELLS = 100_000, 200
PREVIEWED = 10
_LONGEST_SHOWN = 200
_FILE = "file"
_HAN = re.compile("[\u3400-\u9fff]")
# What these files begin with, and what they are.
_KINDS = (
    (b"\xd0\xcf\x11\xe0", "spreadsheet_file"),
    (b"\x1f\x8b", "packed_file"),
    (b"%PDF", "not_a_csv"),
    (b"\x89PNG", "not_a_csv"),
    (b"\xff\xd8\xff", "not_a_csv"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it stands in the file; `number` counts from 1, the header's, as spreadsheets do."""

    number: int
    cells: tuple[str, ...]


def check_kind(data: bytes) -> None:
    """Refuses what is no CSV in any encoding. Raises InvalidInput (empty_file, spreadsheet_file, packed_file, not_a_csv)."""
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise InvalidInput.of(_FILE, "empty_file")
    if data.startswith(b"PK\x03\x04"):
        inside = data[:65_536]
        raise InvalidInput.of(_FILE, "spreadsheet_file" if b"xl/" in inside or b"mimetype" in inside else "packed_file")
    for start, reason in _KINDS:
        if data.startswith(start):
            raise InvalidInput.of(_FILE, reason)


def read_rows(data: bytes, encoding: Encoding) -> list[Row]:
    """The rows below the header; blank ones are left out.

    Raises InvalidInput on "file": not_decodable, zero_bytes, broken_quotes, cell_too_large, too_many_rows, no_rows, and all
    that can be wrong with the header.
    """
    text = decode(data, encoding)
    if "\0" in text:
        row = text[: text.index("\0")].count("\n") + 1
        raise InvalidInput.of(_FILE, "zero_bytes", row=str(row))
    records = _records(text)
    first = next(records, [])
    header = _without_blanks([cell.strip() for cell in first], 0)
    _check_header(header)
    rows = []
    for number, cells in enumerate(records, 2):
        if any(cell.strip() for cell in cells):
            rows.append(Row(number, _cut(cells, len(first), len(header))))
        if len(rows) > MOST_ROWS or number > _MOST_LINES:
            raise InvalidInput.of(_FILE, "too_many_rows", largest=str(MOST_ROWS), row=str(number))
    if not rows:
        raise InvalidInput.of(_FILE, "no_rows")
    return rows


def _cut(cells: list[str], width: int, headed: int) -> tuple[str, ...]:
    """The cells that count. A row longer than the header stays so: a comma in one of its cells has moved the others."""
    if len(cells) > width:
        return tuple(cells)
    cells = _without_blanks(cells, len(COLUMNS))
    return tuple(cells[: len(COLUMNS)] if len(cells) <= headed else cells)


def _without_blanks(cells: list[str], fewest: int) -> list[str]:
    """Without the blank columns at the end that nobody sees, and spreadsheets write when a cell there was ever used."""
    end = len(cells)
    while end > fewest and not cells[end - 1].strip():
        end -= 1
    return cells[:end]


def preview(data: bytes, encoding: Encoding) -> list[list[str]]:
    """The first rows, header and all, as this encoding reads them, with a mark for what it cannot read. For people to look at."""
    # A character may be torn where the piece ends; that is not the encoding's fault.
    text = data[:65_536].decode(encoding, "replace").removeprefix("\ufeff")
    if len(data) > 65_536:
        text = text.rstrip("\ufffd")
    lines: list[list[str]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline="")):
            lines.append([cell[:_LONGEST_SHOWN].replace("\0", "\ufffd") for cell in cells[: len(COLUMNS) + 2]])
            if len(lines) > PREVIEWED:
                break
    except csv.Error:
        return lines or [[line[:_LONGEST_SHOWN]] for line in text.splitlines()[:PREVIEWED]]
    return lines


def _records(text: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 0
    while True:
        number += 1
        try:
            yield _narrow(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            reason = "cell_too_large" if "field limit" in str(error) else "broken_quotes"
            raise InvalidInput.of(_FILE, reason, row=str(number)) from None


def _narrow(cells: list[str]) -> list[str]:
    """As many cells as are looked at; that there was something behind them is still seen."""
    kept = cells[:_MOST_CELLS]
    if any(cells[_MOST_CELLS:]):
        kept[-1] = kept[-1] or "…"
    return kept


def _check_header(cells: Sequence[str]) -> None:
    """The exact columns in their order; our own files of failed rows have one more at the end."""
    if tuple(cells) in (COLUMNS, (*COLUMNS, PROBLEM_COLUMN)):
        return
    for mark, reason in ((";", "semicolon_separated"), ("\t", "tab_separated")):
        if len(cells) < 3 and cells and cells[0].count(mark) >= 3:
            raise InvalidInput.of(_FILE, reason, row="1")
    wanted = {name.casefold(): name for name in COLUMNS}
    known = [wanted.get(cell.casefold(), "") for cell in cells]
    if not any(known):
        reason = "header_translated" if _is_chinese_header(cells) else "header_missing"
        raise InvalidInput.of(_FILE, reason, row="1", columns=",".join(COLUMNS))
    found = Violations()
    for violation in _header_faults(cells, known):
        found.add(_FILE, violation.reason, row="1", **violation.params)
    found.check()


def _is_chinese_header(cells: Sequence[str]) -> bool:
    """Words and no data: people's rows have digits or addresses."""
    line = "".join(cells)
    return bool(_HAN.search(line)) and not re.search(r"\d|@", line)


def _header_faults(cells: Sequence[str], known: Sequence[str]) -> Iterator[Violation]:
    missing = [name for name in COLUMNS if name not in known]
    strange = [n for n, name in enumerate(known) if not name or name in known[:n]]
    if len(cells) == len(COLUMNS) and len(missing) == len(strange):
        # As many strange headings as are missing: they are meant to be them.
        for place, name in zip(strange, missing, strict=True):
            yield _misnamed(cells, place, name)
    else:
        for name in missing:
            yield Violation(_FILE, "column_missing", {"column": name})
        for place in strange:
            yield Violation(_FILE, "column_extra", {"column": _shown(cells[place]), "place": str(place + 1)})
    if missing or strange:
        return
    if tuple(known) != COLUMNS:
        yield Violation(_FILE, "columns_reordered", {"columns": ",".join(COLUMNS)})
        return
    for place, name in enumerate(COLUMNS):
        if cells[place] != name:
            yield _misnamed(cells, place, name)


def _misnamed(cells: Sequence[str], place: int, name: str) -> Violation:
    return Violation(_FILE, "column_misnamed", {"found": _shown(cells[place]), "column": name, "place": str(place + 1)})


def _shown(cell: str) -> str:
    """A strange heading as it may travel among an error's parameters."""
    return cell[:40].replace("&", "＆").replace("=", "＝") or "–"
