"""Addresses and areas as they are compared: without what one writes this way or that."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from services.common.searching import fold
from services.identity_merge.commands.likeness.names import simplified

_WORDS = {
    **dict.fromkeys(("road", "rd"), "rd"),
    **dict.fromkeys(("street", "str", "st"), "st"),
    **dict.fromkeys(("avenue", "av", "ave"), "ave"),
    **dict.fromkeys(("drive", "dr"), "dr"),
    **dict.fromkeys(("place", "pl"), "pl"),
    **dict.fromkeys(("lane", "ln"), "ln"),
    **dict.fromkeys(("court", "crt", "ct"), "ct"),
    **dict.fromkeys(("crescent", "cres", "cr"), "cres"),
    **dict.fromkeys(("building", "bldg", "mansion", "house", "centre", "center", "tower", "block", "blk", "tsuen"), ""),
    **dict.fromkeys(("flat", "flt", "room", "rm", "unit", "apartment", "apt", "suite", "shop"), ""),
    **dict.fromkeys(("floor", "flr", "f", "fl", "no", "number", "section", "sec", "alley"), ""),
    **dict.fromkeys(
        ("hong", "kong", "hk", "taiwan", "tw", "kowloon", "kln", "nt", "new", "territories", "the", "of"), ""
    ),
}
_PARTS = re.compile(r"\d+|[a-z]+|[^\W\da-z_]+")
_NUMBER = re.compile(r"\d+")
# Words of Chinese addresses that stand between what tells them apart.
_CHINESE_WORDS = re.compile("香港|九龙|新界|台湾|大厦|大楼|号|楼|层|室|座|栋|单位|之|段(?=\\d)|巷(?=\\d)|弄(?=\\d)")
_CHINESE_DIGITS = str.maketrans("零一二三四五六七八九", "0123456789")
_COUNTED = re.compile("[零一二三四五六七八九](?=[号楼层室座段巷弄])")


@lru_cache(20_000)
def read_address(raw: str) -> str:
    """An address with its parts in one writing, single spaces between them; empty where nothing is left."""
    text = simplified(fold(raw))
    text = _COUNTED.sub(lambda counted: counted[0].translate(_CHINESE_DIGITS), text)
    text = unicodedata.normalize("NFKD", _CHINESE_WORDS.sub(" ", text)).replace("'", "")
    text = re.sub(r"(\d)\s*/?\s*(?:f|fl|flr|floor)\b", r"\1 ", text)
    words = (_WORDS.get(part, part) for part in _PARTS.findall(text))
    return " ".join(filter(None, words))


def sorted_address(address: str) -> str:
    """The same in whatever order it was written."""
    return " ".join(sorted(address.split()))


def grams(address: str) -> list[str]:
    """Each run of two Chinese characters, or of three of others, once: what two writings share, wherever one has a slip or a gap."""
    text = address.replace(" ", "")
    size = 3 if text.isascii() else 2
    return list(dict.fromkeys(text[at : at + size] for at in range(len(text) - size + 1)))


def numbers(address: str) -> list[str]:
    """The numbers of an address, sorted, each once."""
    return sorted(set(_NUMBER.findall(address)))


@lru_cache(20_000)
def read_area(raw: str) -> str:
    """A postcode, district or town in one writing."""
    return re.sub(r"[\W_]+", "", simplified(fold(raw)))
