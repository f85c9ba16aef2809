"""What somebody with a name, a phone and an e-mail is found by, and what a person means who types into a search box (C2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import phonenumbers

from services.common.contact import parse_email, parse_mobile
from services.common.errors import InvalidInput

# Han with its extensions, kana, bopomofo, hangul: scripts in which one or two characters are a name.
_CJK = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]")
_PHONE = re.compile(r"[\d\s()+.\-]+")
# What people put between the parts of a name, or leave out: 陳 大文 is 陳大文, "Chan Tai-Man" is "chan taiman".
_BETWEEN = re.compile(r"[\s,.'’\-‐–·・‧]+")
_PAIR = re.compile(r"[a-z0-9]{2}")
LONGEST_QUERY = 100
# A national number from here on is looked for whatever country code may stand before it.
_WHOLE_NUMBER = 7


@dataclass(frozen=True, slots=True)
class SearchText:
    """`haystack` is name, phone and e-mail, one a line, folded, the name without gaps, and below them any further ones, the last
    of them ended, too; `grams` are the name's Chinese characters and pairs.
    """

    haystack: str
    grams: tuple[str, ...]


class Way(Enum):
    """By which index a search goes."""

    PHONE = "phone"
    EMAIL = "email"
    GRAMS = "grams"
    TEXT = "text"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Query:
    """One way to search. TEXT and GRAMS: LIKE patterns on the haystack, any of which suffices; for GRAMS the `grams` must all be
    there. PHONE and EMAIL: the whole line, and a LIKE pattern for further ones. PAIR: one LIKE pattern, and the same as two
    regular expressions.
    """

    way: Way
    patterns: tuple[str, ...]
    grams: tuple[str, ...] = ()


def fold(text: str) -> str:
    """The form in which texts are compared: full width becomes half width, capitals small, spaces single.

    NUL is a space: no database holds it, nor lets anybody look for it.
    """
    return " ".join(unicodedata.normalize("NFKC", text.replace("\0", " ")).casefold().split())


def search_text(name: str, phone: str, email: str, others: Sequence[str] = ()) -> SearchText:
    """What is kept for finding one person; `others` are further phones and e-mails."""
    name = _BETWEEN.sub("", fold(name))
    more = "".join(f"\n{fold(other)}" for other in others) + ("\n" if others else "")
    return SearchText(f"{name}\n{phone}\n{fold(email)}{more}", _grams(name, single=True))


def read_query(text: str, region: str) -> tuple[Query, ...]:
    """The ways to search for `text`, of which the first that finds anything is the answer; none when it asks for nothing.

    A whole phone or e-mail is looked up as such first: whoever types all of it means its owner. `region` (HK, TW) explains
    numbers without country code.
    """
    wanted = fold(text[:LONGEST_QUERY])
    if not wanted:
        return ()
    if _PHONE.fullmatch(wanted) and (digits := re.sub(r"\D", "", wanted)):
        return _phone_queries(wanted, digits, region)
    name, raw = _BETWEEN.sub("", wanted), wanted.replace(" ", "")
    if _CJK.search(wanted):
        return (Query(Way.GRAMS, (f"%{_escape(name)}%\n%\n%",), _grams(name, single=len(name) == 1)),)
    if _PAIR.fullmatch(raw):
        return (_pair(raw),)
    patterns = dict.fromkeys(f"%{_escape(part)}%" for part in (raw, name) if part)
    return (*_email_query(raw), Query(Way.TEXT, tuple(patterns)))


def _phone_queries(wanted: str, digits: str, region: str) -> tuple[Query, ...]:
    if _PAIR.fullmatch(digits):
        return (_pair(digits),)
    code = str(phonenumbers.country_code_for_region(region))
    patterns = [f"%{_behind(code, digits)}%"]
    national = digits.lstrip("0")
    if national and national != digits:
        if digits.startswith("00"):  # 00886… is the international prefix
            patterns.append(f"%\n+{_behind(code, national)}%\n%")
        elif phonenumbers.ndd_prefix_for_region(region, True) == "0":  # 0912 345 678 is kept as +886912345678
            patterns.append(f"%\n+{_behind(code, code + national)}%\n%")
        if len(national) >= _WHOLE_NUMBER:
            patterns.append(f"%{national}%")
    text = Query(Way.TEXT, tuple(patterns))
    try:
        return (Query(Way.PHONE, _line(parse_mobile(wanted, region))), text)
    except InvalidInput:
        return (text,)


def _line(whole: str) -> tuple[str, str]:
    """The main one's line, and a pattern for further ones, which stand below the main ones."""
    return whole, f"%\n%\n%\n{_escape(whole)}\n%"


def _behind(code: str, digits: str) -> str:
    """The digits as a LIKE pattern. Where they begin with the country code, which almost every phone does, its second digit may be any:
    so the index is asked for the trigrams behind the code alone, of which the others would find everybody.
    """
    known = len(code) > 1 and digits.startswith(code) and len(digits) >= len(code) + 3
    return f"{digits[0]}_{digits[2:]}" if known else digits


def _email_query(raw: str) -> tuple[Query, ...]:
    try:
        return (Query(Way.EMAIL, _line(fold(parse_email(raw)))),) if "@" in raw else ()
    except InvalidInput:
        return ()


def _pair(two: str) -> Query:
    """Two letters or digits have no trigram. Said with what can stand before them, or after, they have some forty, and the index
    finds at once that nobody has any of those. Two expressions, for one with all of it is too much for the index.
    """
    gap = r"[\n@.+_&/%!#$-]"
    before, after = f"[a-z0-9]{two}|(^|{gap}){two}", f"{two}[a-z0-9]|{two}{gap}"
    return Query(Way.PAIR, (f"%{two}%", before, after))


def _grams(text: str, *, single: bool) -> tuple[str, ...]:
    pairs = {text[i : i + 2] for i in range(len(text) - 1) if _CJK.search(text[i : i + 2])}
    singles = set(_CJK.findall(text)) if single else set()
    return tuple(sorted(pairs | singles))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
