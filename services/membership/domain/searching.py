"""What a customer is found by, and what a person means who types into the search box (C2)."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

# Han with its extensions, kana, bopomofo, hangul: scripts in which one or two characters are a name.
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_PHONE = re.compile(r"[\d\s()+.\-]+")
LONGEST_QUERY = 100
# Trigrams need three characters to go by.
SHORTEST_INDEXED = 3


@dataclass(frozen=True, slots=True)
class SearchText:
    """`haystack` is name, phone and e-mail, one a line, folded; `grams` are the name's Chinese characters and pairs."""

    haystack: str
    grams: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A search as LIKE patterns on the haystack, any of which suffices. `grams` must all be there when not empty.

    `indexed` is false when nothing is long enough for an index; then so many match that reading newest first is fast.
    """

    patterns: tuple[str, ...]
    grams: tuple[str, ...] = ()
    indexed: bool = True


def fold(text: str) -> str:
    """The form in which texts are compared: full width becomes half width, capitals small, spaces single."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def search_text(name: str, phone: str, email: str) -> SearchText:
    """What is kept for finding one customer."""
    name = fold(name)
    return SearchText(f"{name}\n{phone}\n{fold(email)}", _grams(name, single=True))


def read_query(text: str, region: str) -> Query | None:
    """What `text` asks for; None when it asks for nothing. `region` (HK, TW) explains a leading 0 of national numbers."""
    wanted = fold(text[:LONGEST_QUERY])
    if not wanted:
        return None
    if _CJK.search(wanted):
        return Query((f"%{_escape(wanted)}%\n%\n%",), _grams(wanted, single=len(wanted) == 1))
    if _PHONE.fullmatch(wanted) and (digits := re.sub(r"\D", "", wanted)):
        return _phone_query(digits, region)
    if "@" in wanted:
        return Query((f"%\n%\n%{_escape(wanted)}%",), indexed=len(wanted) > SHORTEST_INDEXED)
    return Query((f"%{_escape(wanted)}%",), indexed=len(wanted) >= SHORTEST_INDEXED)


def _phone_query(digits: str, region: str) -> Query:
    patterns = [f"%\n%{digits}%\n%"]
    national = digits.lstrip("0")
    if national and national != digits:
        # 0912 345 678 is kept as +886912345678; 00886… is the international prefix.
        patterns += [f"%\n+{phonenumbers.country_code_for_region(region)}{national}%\n%", f"%\n+{national}%\n%"]
    return Query(tuple(patterns), indexed=len(digits) >= SHORTEST_INDEXED)


def _grams(text: str, *, single: bool) -> tuple[str, ...]:
    pairs = {text[i : i + 2] for i in range(len(text) - 1) if _CJK.search(text[i : i + 2])}
    singles = set(_CJK.findall(text)) if single else set()
    return tuple(sorted(pairs | singles))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
