"""One cell at a time: what people and spreadsheets write, read only where there is one way to read it (D3, D5).

Every function raises InvalidInput naming its column, with a reason that says what to mend.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import NoReturn

from services.common.contact import LONGEST_NAME, clean_text, parse_mobile
from services.common.errors import InvalidInput
from services.common.searching import fold
from services.membership.domain.earning import LARGEST_ADJUSTMENT

LONGEST_TAG = 40
MOST_TAGS = 20
LONGEST_ADDRESS_LINE = 200
MOST_ADDRESS_LINES = 5
LONGEST_NOTE = 2_000
# What a spreadsheet makes of long digits: 9.4512053E+07, 94512053.0.
_SPREADSHEET = re.compile(r"[+-]?\d+(?:\.\d+)?E\+?\d+|\d{7,}\.0+", re.IGNORECASE)
_SPREADSHEET_DAY = re.compile(r"[2-5]\d{4}")
_POINTS = re.compile(r"\d{1,12}|\d{1,3}(?:,\d{3})+")
_DECIMAL = re.compile(r"[\d,]+\.\d+")
_FORMULA = re.compile(r"[=+\-@]")
# An apostrophe before what a spreadsheet would take for a formula: so it stands in files that we write.
_INERT = re.compile(r"'(?=[=+\-@\t\r])")
# A character that the file's encoding did not have was written as ? when it was saved; U+FFFD is the same at reading.
_LOST = re.compile("\ufffd|[\u3400-\u9fff]\\?|\\?[\u3400-\u9fff]")
_MIDNIGHT = re.compile(r"[ T]0?0:00(?::00(?:\.0+)?)?$")
_YEAR_FIRST = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")
_ROC = re.compile(r"(?:民國|民国|中華民國)(\d{1,3})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_SHORT_YEAR = re.compile(r"(\d{2,3})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_LANGUAGES = {
    "en": "en",
    "english": "en",
    "zh": "zh-Hant",
    "中文": "zh-Hant",
    "繁體中文": "zh-Hant",
    "繁体中文": "zh-Hant",
}
_EARLIEST_YEAR = 1900
_ROC_OFFSET = 1911


def plain(cell: str) -> str:
    """The cell without spaces around it, and without the apostrophe that keeps spreadsheets from calculating it."""
    return _INERT.sub("", cell.strip(), count=1)


def read_name(cell: str) -> str:
    """Reasons: formula_cell, lost_character, too_long."""
    text = plain(cell)
    if _FORMULA.match(text):
        raise InvalidInput.of("Name", "formula_cell")
    return _text(text, "Name", LONGEST_NAME)


def read_phone(cell: str, region: str) -> str:
    """E.164. Reasons: formula_cell, spreadsheet_number, leading_zero_lost, invalid_phone, not_a_mobile_phone."""
    text = unicodedata.normalize("NFKC", plain(cell))
    if text.startswith("="):
        raise InvalidInput.of("Phone", "formula_cell")
    if _SPREADSHEET.fullmatch(text):
        raise InvalidInput.of("Phone", "spreadsheet_number", found=text[:30])
    digits = re.sub(r"[\s()-]", "", text)
    if region == "TW" and re.fullmatch(r"9\d{8}", digits):
        raise InvalidInput.of("Phone", "leading_zero_lost", meant=f"0{digits}")
    return parse_mobile(text, region, "Phone")


def read_birthday(cell: str, today: date) -> date | None:
    """Reasons: those of dates, date_in_future."""
    text = plain(cell)
    if not text:
        return None
    day = _day(text, "Birthday")
    if day > today:
        raise InvalidInput.of("Birthday", "date_in_future")
    return day


def read_language(cell: str) -> str:
    """en or zh-Hant; blank stays blank, which is the store's. Reason: unknown_language."""
    text = plain(cell).casefold().replace("_", "-")
    if not text:
        return ""
    known = _LANGUAGES.get(text) or _LANGUAGES.get(text.split("-")[0])
    if not known or "hans" in text:
        raise InvalidInput.of("Language", "unknown_language")
    return known


def read_tags(cell: str) -> tuple[str, ...]:
    """Sorted, each once: another case or width makes no other tag. Reasons: tags_above_limit, too_long, lost_character."""
    parts = [_text(part.strip(), "Tags", LONGEST_TAG) for part in re.split("[;；、]", plain(cell))]
    kept = {fold(part): part for part in reversed(parts) if part}
    if len(kept) > MOST_TAGS:
        raise InvalidInput.of("Tags", "tags_above_limit", largest=str(MOST_TAGS))
    return tuple(tag for _, tag in sorted(kept.items()))


def read_address(cell: str) -> tuple[str, ...]:
    """The lines of an address. Reasons: too_many_address_lines, too_long, lost_character."""
    lines = [_text(line, "Address", LONGEST_ADDRESS_LINE) for line in plain(cell).splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > MOST_ADDRESS_LINES:
        raise InvalidInput.of("Address", "too_many_address_lines", largest=str(MOST_ADDRESS_LINES))
    return tuple(lines)


def read_points(cell: str) -> int:
    """Blank is 0. Reasons: spreadsheet_number, negative_points, not_a_whole_number, too_large."""
    text = unicodedata.normalize("NFKC", plain(cell)).replace("−", "-")
    if not text:
        return 0
    if re.fullmatch(r"-[\d,.]+", text):
        raise InvalidInput.of("Member Points", "negative_points")
    if re.fullmatch(r"\d+(?:\.\d+)?E\+?\d+", text, re.IGNORECASE):
        raise InvalidInput.of("Member Points", "spreadsheet_number", found=text[:30])
    if not _POINTS.fullmatch(text):
        reason = "points_fraction" if _DECIMAL.fullmatch(text) else "points_not_a_number"
        raise InvalidInput.of("Member Points", reason)
    points = int(text.replace(",", ""))
    if points > LARGEST_ADJUSTMENT:
        raise InvalidInput.of("Member Points", "too_large", largest=f"{LARGEST_ADJUSTMENT:,}")
    return points


def read_expiry(cell: str) -> date | None:
    """The last day of validity. Reasons: those of dates."""
    text = plain(cell)
    return _day(text, "Points Expiry") if text else None


def read_note(cell: str) -> str:
    """Reasons: too_long, lost_character."""
    return _text(plain(cell), "Note", LONGEST_NOTE)


def _text(text: str, column: str, longest: int) -> str:
    if _LOST.search(text):
        raise InvalidInput.of(column, "lost_character")
    return clean_text(text, column, longest, multiline=column == "Note")


def _day(text: str, column: str) -> date:
    """A date with one reading. Reasons: spreadsheet_number, ambiguous_date, short_year, no_such_day, invalid_date."""
    text = _MIDNIGHT.sub("", re.sub(r"\s*([年月日/.-])\s*", r"\1", unicodedata.normalize("NFKC", text).strip()))
    if _SPREADSHEET_DAY.fullmatch(text):
        raise InvalidInput.of(column, "spreadsheet_day", found=text)
    if found := _YEAR_FIRST.fullmatch(text) or _COMPACT.fullmatch(text):
        return _date(column, *map(int, found.groups()))
    if found := _ROC.fullmatch(text):
        return _date(column, int(found[1]) + _ROC_OFFSET, int(found[2]), int(found[3]))
    if found := _YEAR_LAST.fullmatch(text):
        return _year_last(column, *map(int, found.groups()))
    if found := _SHORT_YEAR.fullmatch(text):
        return _short_year(column, *map(int, found.groups()))
    raise InvalidInput.of(column, "invalid_date")


def _year_last(column: str, first: int, second: int, year: int) -> date:
    """31/3/2026 and 3/31/2026 have one reading each; 3/4/2026 has two."""
    if first <= 12 and second <= 12 and first != second:
        one, other = f"{year}-{second:02}-{first:02}", f"{year}-{first:02}-{second:02}"
        raise InvalidInput.of(column, "ambiguous_date", one=one, other=other)
    return _date(column, year, second, first) if first > 12 else _date(column, year, first, second)


def _short_year(column: str, year: int, month: int, day: int) -> date:
    """115/3/31 can only be of the Republic's calendar; 75/3/31 may be 1975 as well as 1986."""
    if year >= 100:
        return _date(column, year + _ROC_OFFSET, month, day)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        _no_date(column)
    meant = f"{year + _ROC_OFFSET}-{month:02}-{day:02}"
    raise InvalidInput.of(column, "short_year", year=str(year), meant=meant)


def _date(column: str, year: int, month: int, day: int) -> date:
    # From 9999 on, the last second of a day has no name in UTC everywhere.
    if not _EARLIEST_YEAR <= year < 9999:
        _no_date(column)
    try:
        return date(year, month, day)
    except ValueError:
        raise InvalidInput.of(column, "no_such_day") from None


def _no_date(column: str) -> NoReturn:
    raise InvalidInput.of(column, "invalid_date")
