"""Who may be the same person: what is the same written otherwise, what is not, and figures on sets with a known truth (F12)."""

from __future__ import annotations

import ast
from pathlib import Path
from uuid import UUID

import pytest

from services.identity_merge.commands import scan
from services.identity_merge.commands.likeness import Linking, reasons
from services.identity_merge.commands.likeness.names import read_name
from services.identity_merge.domain.duplicates import LEAST, Known, Reason
from tests.support.doubles import Doubles, doubles
from tests.support.febrl import febrl


def share_a_key(one: str, other: str) -> bool:
    """Whether the two are one whole name."""
    a, b = read_name(one), read_name(other)
    return a.whole == b.whole or bool(set(a.full) & set(b.full))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("陳大文", "CHAN Tai Man"),
        ("陳大文", "Tai Man Chan"),
        ("陳大文", "Chan Taiman"),
        ("陳大文", "Chen Ta-wen"),
        ("陳大文", "Ch'en Ta Wen"),
        ("陳大文", "Chen Dawen"),
        ("陳大文", "陈大文"),
        ("陳 大文", "陳大文先生"),
        ("許志強", "Hui Chi Keung"),
        ("許志強", "Hsu Chih-chiang"),
        ("許志強", "Xu Zhiqiang"),
        ("黃子軒", "Wong Tsz Hin"),
        ("曾詠詩", "Tsang Wing Sze"),
        ("歐陽家明", "Au Yeung Ka Ming"),
        ("司徒美玲", "Szeto Mei Ling"),
        ("Peter Chan", "CHAN, Peter"),
        ("衞建平", "衛建平"),
        ("Wong Siu Ming, Peter", "Peter Wong Siu Ming"),
    ],
)
def test_one_name_written_otherwise_is_one_name(one: str, other: str) -> None:
    assert share_a_key(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("陳家明", "陳家欣"),
        ("陳家明", "陳明家"),
        ("Chan Ka Ming", "Chan Ka Man"),
        ("陳大文", "Chan Siu Ming"),
        ("", "陳"),
    ],
)
def test_another_name_stays_another(one: str, other: str) -> None:
    assert not share_a_key(one, other)


def known(name: str, **more: object) -> Known:
    known.count += 1  # type: ignore[attr-defined]
    return Known(UUID(int=known.count), name, **more)  # type: ignore[arg-type, attr-defined]


known.count = 0  # type: ignore[attr-defined]
ADDRESS = "旺角彌敦道700號12樓B室"


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (
            known("陳大文", birthday="1980-05-12", addresses=(ADDRESS,)),
            known("CHAN Tai Man", birthday="1980-12-05", addresses=("Flat B, 12/F, 700 Nathan Road",)),
            [Reason.NAME_SCRIPT, Reason.BIRTHDAY_SIMILAR, Reason.ADDRESS_SCRIPT],
        ),
        (
            known("Robert Ho", phones=("+85291234567",), emails=("bob.ho@gmail.com",)),
            known("Bob Ho", phones=("+85291235467",), emails=("bobho+x@gmail.com",)),
            [Reason.NAME_NICKNAME, Reason.PHONE_TYPO, Reason.EMAIL_MAILBOX],
        ),
        (
            known("陳大文", phones=("+85291234567",), addresses=("彌敦道700號12樓B室 旺角",)),
            known("陈大文", reach=("+85291234567",), addresses=(ADDRESS,)),
            [Reason.NAME_VARIANT, Reason.ORDER_CONTACT, Reason.ADDRESS_SIMILAR],
        ),
        (
            known("Tai Man Chan", emails=("taiman.chan@gmail.com",)),
            known("Chan Tai Man", emails=("taimanchan@yahoo.com.hk",)),
            [Reason.NAME_ORDER, Reason.EMAIL_NAME],
        ),
    ],
)
def test_reasons_say_what_is_alike_and_how(one: Known, other: Known, why: list[Reason]) -> None:
    assert reasons(one, other) == reasons(other, one) == why


def found(of: Doubles) -> set[tuple[int, int]]:
    """Places of the pairs that would be suggested."""
    with Linking() as linking:
        for first in range(0, len(of.members), 1_000):
            linking.add(of.members[first : first + 1_000])
        places = {member.customer_id: place for place, member in enumerate(of.members)}
        return {
            tuple(sorted((places[one.customer_id], places[other.customer_id])))  # type: ignore[misc]
            for batch in linking.pairs(LEAST)
            for one, other, _ in batch
        }


@pytest.mark.parametrize(
    ("of", "least_recall"),
    [(lambda: febrl(3), 0.90), (lambda: doubles(2_000, seed=7), 0.97)],
    ids=["FEBRL 3", "Hong Kong and Taiwan"],
)
def test_what_is_suggested_is_right_and_little_is_missed(of: object, least_recall: float) -> None:
    made: Doubles = of()  # type: ignore[operator]
    pairs, truth = found(made), made.pairs
    right = len(pairs & truth)
    assert right / len(pairs) >= 0.98
    assert right / len(truth) >= least_recall


def test_a_family_with_one_phone_is_no_person() -> None:
    """F12: couples, twins, parent and child at one address, whose orders bear one phone."""
    at_home = {"addresses": (ADDRESS,), "areas": ("旺角",)}
    family = [
        known("陳大文", phones=("+85291234567",), birthday="1980-05-12", **at_home),
        known("黃美玲", phones=("+85291234568",), birthday="1981-01-30", reach=("+85291234567",), **at_home),
        known("陳家明", reach=("+85291234567",), birthday="2008-08-08", **at_home),
        known("陳家欣", reach=("+85291234567",), birthday="2008-08-08", **at_home),
        known("Mary Wong", reach=("+85291234567",), **at_home),
    ]
    twice = known("Chan Tai Man", reach=("+85291234567",), birthday="1980-05-12")
    members = [*family, twice]
    assert found(Doubles(members, range(len(members)))) == {(0, 5)}


def test_a_store_of_one_or_none_is_looked_through() -> None:
    assert found(Doubles([], [])) == found(Doubles([known("陳大文")], [0])) == set()


def test_whoever_lives_long_does_not_load_what_compares() -> None:
    """It would take 200 MB of each process: one module alone imports it, and that one only the scan's own command."""
    home = Path(scan.__file__).parents[1]
    importers = {
        (file.name, isinstance(node, ast.ImportFrom) and node in tree.body)
        for file in home.rglob("*.py")
        if "likeness" not in file.parts
        for tree in [ast.parse(file.read_text())]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").endswith((".likeness", "commands.scan"))
    }
    assert importers == {("scan.py", True), ("main.py", False)}
