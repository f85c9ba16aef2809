"""In which encoding is a file? (D5) Every answer is only proposed: a person sees decoded rows and confirms.

Byte order marks and strict UTF-8 leave no doubt. Big5 and GB18030 read each other's files without an error, so those are told
apart by what the characters would be: a file of names is made of common ones, its misreading is not.
"""

from __future__ import annotations

import codecs
import unicodedata
from enum import StrEnum
from functools import cache

from services.common.errors import InvalidInput


class Encoding(StrEnum):
    """The encodings that can be chosen, by the names that the contract gives them."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    BIG5_HKSCS = "big5-hkscs"
    CP950 = "cp950"
    GB18030 = "gb18030"


_MARKS = (
    (codecs.BOM_UTF8, Encoding.UTF_8),
    (codecs.BOM_UTF16_LE, Encoding.UTF_16_LE),
    (codecs.BOM_UTF16_BE, Encoding.UTF_16_BE),
)
_MARK = "\ufeff"
# Taiwan's Windows writes CP950, where Hong Kong's characters have no place; most text is the same in both.
_LOCAL = {
    "TW": (Encoding.CP950, Encoding.BIG5_HKSCS, Encoding.GB18030),
    "HK": (Encoding.BIG5_HKSCS, Encoding.CP950, Encoding.GB18030),
}
# So many characters tell languages apart; more only take time.
_LOOKED_AT = 4_000
# A UTF-8 file with one torn character is still UTF-8: at most this share of what is not ASCII may be unreadable.
_TORN = 0.1


def read_encoding(text: str) -> Encoding:
    """From a request. Raises InvalidInput (unknown_value)."""
    try:
        return Encoding(text)
    except ValueError:
        raise InvalidInput.of("encoding", "unknown_value", known=", ".join(Encoding)) from None


def recognise(data: bytes, region: str) -> Encoding:
    """The likeliest encoding of a file; what cannot be read in any is taken for UTF-8, and decoding it says what is wrong."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    if wide := _utf_16_without_mark(data[:4_000]):
        return wide
    if _is_utf_8(data):
        return Encoding.UTF_8
    best, highest = Encoding.UTF_8, float("-inf")
    for candidate in _LOCAL.get(region, _LOCAL["HK"]):
        try:
            score = _likeliness(data.decode(candidate))
        except UnicodeDecodeError:
            continue
        if score > highest:  # the local habit wins a draw
            best, highest = candidate, score
    return best


def decode(data: bytes, encoding: Encoding) -> str:
    """The file's text without its byte order mark. Raises InvalidInput (not_decodable) naming the first row that cannot be read."""
    try:
        return data.decode(encoding).removeprefix(_MARK)
    except UnicodeDecodeError as error:
        row = data[: error.start].decode(encoding, "ignore").count("\n") + 1
        raise InvalidInput.of("file", "not_decodable", row=str(row), encoding=encoding) from None


def _utf_16_without_mark(start: bytes) -> Encoding | None:
    """The header is ASCII, so every other byte of it is zero."""
    even, odd = start[0::2], start[1::2]
    if not odd or start.count(0) * 3 < len(start):
        return None
    return Encoding.UTF_16_BE if even.count(0) > odd.count(0) else Encoding.UTF_16_LE


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        lenient = data.decode("utf-8", "replace")
        foreign = [character for character in lenient if character > "\x7f"][:_LOOKED_AT]
        return foreign.count("\ufffd") <= len(foreign) * _TORN
    return True


def _likeliness(text: str) -> float:
    """From -1 (nobody writes this) to 1 (nothing but common characters)."""
    foreign = [character for character in text if character > "\x7f"][:_LOOKED_AT]
    return sum(map(_weight, foreign)) / max(1, len(foreign))


@cache
def _weight(character: str) -> float:
    if character in _common():
        return 1
    if "\u3400" <= character <= "\u9fff" or character >= "\U00020000":
        return 0  # a rare character: names have them
    if "\u3000" <= character <= "\u30ff" or "\uff00" <= character <= "\uff5e":
        return 0.5  # punctuation and full-width forms, kana
    return -1 if unicodedata.category(character) in ("Co", "Cn", "So", "Lo", "Lu", "Ll", "Sm") else 0


@cache
def _common() -> frozenset[str]:
    """The frequent characters of both standards: Big5's first 5,401 and GB 2312's first 3,755, as the codecs know them."""
    trails = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    big5 = (bytes((lead, trail)) for lead in range(0xA4, 0xC7) for trail in trails if (lead, trail) <= (0xC6, 0x7E))
    gb = (bytes((lead, trail)) for lead in range(0xB0, 0xD8) for trail in range(0xA1, 0xFF))
    return frozenset("".join([pair.decode("big5") for pair in big5] + [pair.decode("gb2312", "ignore") for pair in gb]))
