"""Names as they are compared: Chinese and in letters, in either order, traditional and simplified, with nicknames."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType

import nicknames
import opencc

from services.common.searching import fold
from services.identity_merge.commands.likeness.romanised import (
    cantonese,
    is_cantonese,
    is_mandarin,
    mandarin,
    readings,
    syllables,
)

_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_BETWEEN = re.compile(r"[^\w]+|_")
_TITLES = frozenset(["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "madam"])
_HAN_TITLES = re.compile("(先生|小姐|女士|太太|同學|医生|老師)$")
_DOUBLE = frozenset(re.findall("..", "欧阳司徒上官诸葛司马端木张简范姜夏侯皇甫尉迟公孙慕容令狐东方南宫"))
# The surnames of nine people in ten; by their sound, so that either writing in letters is known.
_SURNAMES = (
    "陈黄李林张梁吴刘王何郑周叶曾蔡许邓杨冯徐苏欧余谢郭罗朱潘马胡赵邱麦卢关冼伍尹龙卓简霍翁卫孙高沈吕宋唐韩曹彭萧田董袁于蒋杜丁魏薛阎任"
    "姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟万段雷钱汤黎易常武乔贺赖龚文庄柯温阮甘招古区岑莫容鲍游施洪颜纪"
)


@dataclass(frozen=True, slots=True)
class Name:
    """`text` is folded and simplified, `whole` the same with its parts sorted. The keys say a whole name, a surname, a given name in a
    way that others share who write it otherwise: h: Chinese, y: as Cantonese sounds, m: as Mandarin sounds, l: in letters.
    `kinds` of given names are there: c Chinese, in whichever script, w Western. `sure`: they are well formed, so that another
    one is another name and no slip of the pen.
    """

    text: str
    whole: str
    full: tuple[str, ...]
    family: tuple[str, ...]
    given: tuple[str, ...]
    aliases: tuple[str, ...]
    kinds: tuple[str, ...]
    sure: bool
    # The surname is one of the well-known Chinese ones.
    family_sure: bool


@lru_cache(20_000)
def read_name(raw: str) -> Name:
    """A name, whichever way it is written."""
    folded = _HAN_TITLES.sub("", simplified(fold(raw)))
    han = "".join(_HAN.findall(folded))
    letters = [each for each in _letters(_HAN.sub(" ", folded)) if each not in _TITLES]
    text = " ".join([han, *letters] if han else letters)
    parts = _of_han(han, letters) if han else _of_letters(letters)
    return Name(text, " ".join(sorted(text.split())), *parts)


@cache
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


# What the converter leaves as it is: one name, two shapes.
_SHAPES = str.maketrans("栢喆凃兪彥", "柏哲涂俞彦")


@lru_cache(50_000)
def simplified(text: str) -> str:
    """Traditional characters and their variants as simplified ones: 陳, 陈 and 衞, 衛, 卫 are the same."""
    return text if text.isascii() else str(_converter().convert(text)).translate(_SHAPES)


def _letters(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.replace("'", "").replace("’", ""))
    return _BETWEEN.sub(" ", "".join(each for each in plain if not unicodedata.combining(each))).split()


Parts = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...], bool, bool]


def _of_han(han: str, letters: Sequence[str]) -> Parts:
    cut = 2 if han[:2] in _DOUBLE and len(han) > 2 else 1
    family, given = han[:cut], han[cut:]
    western = [each for each in letters if _is_known(each)]
    said = _read(given, most={"y": 2, "m": 1}) if given else []
    return (
        (f"h:{han}", *(f"{mark}:{of}|{rest}" for mark, of in _read(family) for same, rest in said if same == mark)),
        (f"h:{family}", *(f"{mark}:{sounds}" for mark, sounds in _read(family))),
        ((f"h:{given}",) if given else ()) + tuple(f"{mark}:{sounds}" for mark, sounds in said) + _own(western),
        _aliases(western),
        ("c",) * bool(given) + ("w",) * bool(western),
        1 <= len(given) <= 2,
        True,
    )


def _own(western: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"l:{each}" for each in western)


def _read(han: str, most: Mapping[str, int] = MappingProxyType({"y": 2, "m": 2})) -> list[tuple[str, str]]:
    """How Chinese characters sound, as (mark, syllables). A surname may have an own reading (曾), so that two are looked at; of the
    second ones in Mandarin most are of no use.
    """
    each = [readings(character) for character in han]
    return [
        (mark, " ".join(sounds))
        for place, mark in enumerate("ym")
        if all(of[place] for of in each)
        for sounds in itertools.islice(itertools.product(*(of[place][: most[mark]] for of in each)), 4)
    ]


def _of_letters(letters: Sequence[str]) -> Parts:
    western = [each for each in letters if _is_western(each)]
    chinese = [syllable for each in letters if each not in western for syllable in syllables(each)]
    spoken = 0 < len(chinese) <= 4 and all(is_cantonese(each) or is_mandarin(each) for each in chinese)
    if spoken and (cuts := _surnames(chinese)):
        return _chinese_in_letters(cuts, western)
    return _western(letters)


def _surnames(chinese: Sequence[str]) -> list[tuple[str, Sequence[str]]]:
    """Surname and given name, as either end may be the surname; a double surname stands first."""
    if len(chinese) > 2 and _is_double(chinese[0], chinese[1]):
        return [(f"{chinese[0]} {chinese[1]}", chinese[2:])]
    cuts = [(chinese[0], chinese[1:]), (chinese[-1], chinese[:-1])]
    return [(family, given) for family, given in cuts[: len(chinese)] if _is_surname(family)]


def _chinese_in_letters(cuts: Sequence[tuple[str, Sequence[str]]], western: Sequence[str]) -> Parts:
    given = cuts[0][1]
    # What is a Western name as well (Sue, May) may be meant as one.
    meant = [*western, *(each for each in given if _is_known(each))]
    full = [f"{mark}:{sound(family)}|{sound(rest)}" for family, rest in cuts if rest for mark, sound in _SOUNDS]
    return (
        tuple(full) if given else (f"l:{' '.join(sorted([cuts[0][0], *western]))}",),
        tuple(f"{mark}:{sound(family)}" for family, _ in cuts for mark, sound in _SOUNDS),
        (*(f"{mark}:{sound(rest)}" for _, rest in cuts if rest for mark, sound in _SOUNDS), *_own(meant)),
        _aliases(meant),
        # One syllable that is a Western name, too (Ken Chan), is taken for that: it is no other Chinese name.
        ("c",) * (bool(given) and not (len(given) == 1 and _is_known(given[0]))) + ("w",) * bool(meant),
        True,
        True,
    )


def _sounds(of: Callable[[str], str]) -> Callable[[str | Sequence[str]], str]:
    return lambda tokens: " ".join(map(of, tokens.split() if isinstance(tokens, str) else tokens))


_SOUNDS = (("y", _sounds(cantonese)), ("m", _sounds(mandarin)))


def _western(letters: Sequence[str]) -> Parts:
    """Given names, and the surname last."""
    given, family = letters[:-1], letters[-1:]
    return (
        (f"l:{' '.join(sorted(letters))}",) if given else (),
        tuple(f"l:{each}" for each in family),
        tuple(f"l:{each}" for each in given),
        _aliases(given),
        ("w",) * bool(given),
        bool(given) and all(map(_is_known, given)),
        False,
    )


@cache
def _nicknamer() -> nicknames.NickNamer:
    return nicknames.NickNamer()


@cache
def _first_names() -> frozenset[str]:
    book = _nicknamer()
    return frozenset(book.nickname_lookup) | frozenset(book.canonical_lookup) | _FURTHER


# First names that are common in Hong Kong and Taiwan and have no nickname.
_FURTHER = frozenset(
    """kelvin jason karen carmen queenie xavier zoe ivy fiona yvonne cherry coco kiki yuki ada alan alvin amy ann anna annie anson apple
 bella benny billy bobby bonnie brian candy carol carrie cathy cherie chloe chris clara claire crystal cyrus daisy dennis derek desmond dora
 doris eddie eddy edmond edwin elaine elsa elvis emma ella eric erica esther eunice eva evelyn felix flora frankie gary gigi gloria hazel
 helen herman hilda irene iris ivan jack jackie jacky janet janice jasmine jenny jeremy jessica jimmy joan joanna johnny joey jonathan
 joyce judy julia karl kathy katie keith ken kenneth kenny kevin kimmy kristy lily linda lisa louis lucy mabel macy mandy marco maria
 mary matthew melody michelle miranda monica nancy natalie nicole olivia oscar peggy phoebe rachel raymond rex ricky rita rose roy ruby
 ryan sally sam samson sandy sarah selina sharon sherry shirley simon sonia sophia stella stephanie steven sunny susan suki tiffany tina
 tommy tracy vanessa venus veronica victor vicky vivian wendy wilson winky yoyo""".split()  # noqa: SIM905
)


@lru_cache(20_000)
def _is_western(token: str) -> bool:
    return _is_known(token) and not is_cantonese(token) and not is_mandarin(token)


def _is_known(token: str) -> bool:
    return token in _first_names()


def _aliases(given: Iterable[str]) -> tuple[str, ...]:
    """What people who are called so are called as well."""
    book = _nicknamer()
    return tuple(
        sorted({f"l:{other}" for each in given for other in book.nicknames_of(each) | book.canonicals_of(each)})
    )


@cache
def _surname_sounds() -> tuple[frozenset[str], frozenset[str]]:
    both = [readings(each) for each in _SURNAMES]
    return frozenset(s for spoken, _ in both for s in spoken[:1]), frozenset(w for _, written in both for w in written)


@cache
def _double_sounds() -> frozenset[tuple[str, str]]:
    return frozenset((mark, sounds) for each in _DOUBLE for mark, sounds in _read(each))


def _is_double(first: str, second: str) -> bool:
    return any((mark, sound((first, second))) in _double_sounds() for mark, sound in _SOUNDS)


@lru_cache(20_000)
def _is_surname(token: str) -> bool:
    spoken, written = _surname_sounds()
    return cantonese(token) in spoken or mandarin(token) in written
