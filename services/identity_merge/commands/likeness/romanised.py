"""Chinese syllables in letters, brought into classes in which every usual way of writing one sound is the same.

Hong Kong writes Cantonese without a rule (陳 Chan, 心 Sum or Sam, 子 Tsz or Chi), Taiwan writes Mandarin after Wade-Giles without its marks
(陳 Chen, 許 Hsu), everybody else after Hanyu Pinyin (Chen, Xu). The classes are coarse on purpose: a sound that two spellings
share is in one class, and a few different sounds are, too; a name has two or three syllables, which makes good for that.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import pypinyin
import ToJyutping

_HAN = ("\u4e00", "\u9fff")
_CANTONESE = re.compile(r"(tsz|tz|ts|ch|sz|sh|kw|gw|ng|[bpmfdtnlgkhwzcsjy]|)(.+)")
_CANTONESE_INITIALS = {
    **dict.fromkeys(("b", "p"), "p"),
    **dict.fromkeys(("d", "t"), "t"),
    **dict.fromkeys(("g", "k"), "k"),
    **dict.fromkeys(("gw", "kw"), "kw"),
    **dict.fromkeys(("z", "c", "ch", "ts", "tz", "tsz"), "c"),
    **dict.fromkeys(("s", "sh", "sz"), "s"),
    **dict.fromkeys(("j", "y"), "y"),
}
# Finals of Jyutping and of names, to one of them.
_CANTONESE_FINALS = {
    **{f"aa{end}": f"a{end}" for end in ("", "i", "u", "m", "n", "ng", "p", "t", "k")},
    "um": "am",
    "up": "ap",
    "ow": "au",
    **dict.fromkeys(("ei", "ee", "ay", "ey", "y", "e_tsz"), "i"),
    "een": "in",
    "ou": "o",
    "oh": "o",
    "oeng": "eung",
    "eong": "eung",
    "oek": "euk",
    "eok": "euk",
    "eoi": "ui",
    "eon": "un",
    "oon": "un",
    "eot": "ut",
    "oot": "ut",
    "oo": "u",
    "yu": "u",
    "ue": "u",
    "yun": "uen",
    "yut": "uet",
}
# What is no initial with a final.
_CANTONESE_WHOLE = {
    "ng": "ng",
    "m": "ng",
    **dict.fromkeys(("tsz", "tze", "tz"), "ci"),
    **dict.fromkeys(("sz", "sze"), "si"),
}

_MANDARIN = re.compile(r"(zh|ch|sh|hs|ts|tz|ss|sz|[bpmfdtnlgkhjqxrzcsyw]|)(.+)")
_MANDARIN_INITIALS = {
    **dict.fromkeys(("b", "p"), "p"),
    **dict.fromkeys(("d", "t"), "t"),
    **dict.fromkeys(("g", "k"), "k"),
    **dict.fromkeys(("zh", "ch", "j", "q"), "c"),
    **dict.fromkeys(("z", "c", "ts", "tz"), "z"),
    **dict.fromkeys(("x", "hs"), "x"),
    **dict.fromkeys(("s", "ss", "sz"), "s"),
}
_MANDARIN_FINALS = {
    "ien": "ian",
    "ieh": "ie",
    "ueh": "ue",
    "ung": "ong",
    "iung": "iong",
    "ih": "i",
    "uei": "ui",
    "uen": "un",
    **dict.fromkeys(("e", "uo"), "o"),
    "iou": "iu",
    "v": "u",
    "ve": "ue",
}
# What stands behind a j in Wade-Giles alone.
_NOT_PINYIN = ("ung", "ih", "ui")
_MANDARIN_WHOLE = {
    **dict.fromkeys(("tzu",), "zi"),
    **dict.fromkeys(("ssu", "szu"), "si"),
    "yen": "yan",
    "ye": "yo",
    "yeh": "yo",
    "you": "yu",
    "i": "yi",
    "erh": "er",
}


@lru_cache(50_000)
def cantonese(syllable: str) -> str:
    """The class of a syllable in Jyutping (without its tone) or as names are written; of no use for what is no syllable."""
    if syllable in _CANTONESE_WHOLE:
        return _CANTONESE_WHOLE[syllable]
    if not (parts := _CANTONESE.fullmatch(syllable)):
        return syllable
    initial, final = parts.groups()
    if len(final) > 1 and final[-1] in "hr":  # Wah, Ngar
        final = final[:-1]
    if not initial and final.startswith("i"):  # Ip is Yip
        initial = "y"
    return _CANTONESE_INITIALS.get(initial, initial) + _CANTONESE_FINALS.get(final, final)


@lru_cache(50_000)
def mandarin(syllable: str) -> str:
    """The class of a syllable in Hanyu Pinyin (without its tone) or Wade-Giles (without its marks)."""
    if syllable in _MANDARIN_WHOLE:
        return _MANDARIN_WHOLE[syllable]
    if not (parts := _MANDARIN.fullmatch(syllable)):
        return syllable
    initial, final = parts.groups()
    if initial == "j" and (final[0] not in "iu" or final in _NOT_PINYIN):  # Wade-Giles: Jen is Ren
        initial = "r"
    return _MANDARIN_INITIALS.get(initial, initial) + _MANDARIN_FINALS.get(final, final)


@lru_cache(50_000)
def readings(character: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Classes of what a Chinese character is read as, in Cantonese and in Mandarin, at most two each, the commonest first."""
    told = ToJyutping.get_jyutping_candidates(character)
    spoken = [re.sub(r"\d.*", "", each) for each in told[0][1][:2]] if told and told[0][1] else []
    written = pypinyin.pinyin(character, style=pypinyin.Style.NORMAL, heteronym=True, errors="ignore")
    return (
        tuple(dict.fromkeys(map(cantonese, spoken))),
        tuple(dict.fromkeys(mandarin(each.replace("ü", "u")) for each in (written[0][:2] if written else []))),
    )


@cache
def _syllables() -> tuple[frozenset[str], frozenset[str]]:
    """Classes of all syllables that there are: those of every character of the common block."""
    both = [readings(chr(each)) for each in range(ord(_HAN[0]), ord(_HAN[1]) + 1, 3)]
    return (
        frozenset(each for spoken, _ in both for each in spoken),
        frozenset(each for _, written in both for each in written),
    )


def is_cantonese(syllable: str) -> bool:
    """Whether it can be a Cantonese syllable."""
    return cantonese(syllable) in _syllables()[0]


def is_mandarin(syllable: str) -> bool:
    """Whether it can be a Mandarin syllable."""
    return mandarin(syllable) in _syllables()[1]


@lru_cache(50_000)
def syllables(token: str) -> tuple[str, ...]:
    """A token as the syllables that it is made of: "taiman" is tai, man. Itself alone, where it is a syllable or none can be found."""
    if is_cantonese(token) or is_mandarin(token):
        return (token,)
    for cut in range(len(token) - 1, 1, -1):
        left, right = token[:cut], token[cut:]
        if (
            len(right) > 1
            and right[0] not in "aeiou"
            and any(known(left) and known(right) for known in (is_cantonese, is_mandarin))
        ):
            return (left, right)
    return (token,)
