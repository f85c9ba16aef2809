"""Finding customers by part of name, phone or e-mail (C2), and reading them page by page."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.errors import InvalidInput, NotFound
from services.common.ids import new_id
from services.membership import queries
from services.membership.queries.likeness import list_people
from services.membership.store import searching
from tests.integration.membership.people import Shop, buyer

PEOPLE = [
    ("陳大文", "+85294512053", "tai.man@example.com"),
    ("李小明", "+85298765432", "siu_ming@example.org"),
    ("Chan Siu Ming, Peter", "+886912345678", "peter@example.net"),
    ("峯", "+85261234567", ""),
    ("大文 Wong", "", "100%@example.com"),
]


async def names(shop: Shop, query: str, *, members_only: bool = True, region: str = "HK") -> list[str]:
    found = await queries.search_customers(
        shop.context.database, replace(shop.who, region=region), 0, "", query, members_only
    )
    return [customer.name for customer in found.page.items]


@pytest.fixture
async def crowd(shop: Shop) -> Shop:
    for name, phone, email in PEOPLE:
        await shop.enrol(buyer(phone, email, name))
    return shop


async def test_members_are_read_by_their_ids_with_what_tells_them_apart(crowd: Shop) -> None:
    """F12: for the scan of likely duplicates; guests are not among them."""
    await crowd.enrol(buyer("+85265555555", "", "Guest", add_as_member=False))
    first, total = await list_people(crowd.context.database, crowd.who, None, 2)
    rest, none = await list_people(crowd.context.database, crowd.who, first[-1].customer_id, 2_000)
    assert (total, none) == (len(PEOPLE), 0)
    people = [*first, *rest]
    assert [person.customer_id for person in people] == sorted(person.customer_id for person in people)
    owned = {person.name: [value for _, value in person.identifiers] for person in people}
    assert owned == {name: [each for each in (phone, email) if each] for name, phone, email in PEOPLE}
    for size in (0, 2_001):
        with pytest.raises(InvalidInput):
            await list_people(crowd.context.database, crowd.who, None, size)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("陳大文", ["陳大文"]),
        ("大文", ["大文 Wong", "陳大文"]),
        ("文", ["大文 Wong", "陳大文"]),
        ("峯", ["峯"]),
        ("明大", []),
        ("文 w", ["大文 Wong"]),
        ("siu ming", ["Chan Siu Ming, Peter"]),
        ("SIU", ["Chan Siu Ming, Peter", "李小明"]),
        ("pe", ["Chan Siu Ming, Peter"]),
        ("9451", ["陳大文"]),
        ("9451 2053", ["陳大文"]),
        ("+852 9451-2053", ["陳大文"]),
        ("+852 9451", ["陳大文"]),
        ("852 945", ["陳大文"]),
        ("00852 9451", ["陳大文"]),
        ("0123", []),
        ("９４５１２０５３", ["陳大文"]),
        ("2053", ["陳大文"]),
        ("67", ["峯", "Chan Siu Ming, Peter"]),
        ("00852 94512053", ["陳大文"]),
        ("tai.man@", ["陳大文"]),
        ("TAI.MAN@EXAMPLE.COM", ["陳大文"]),
        ("@example.org", ["李小明"]),
        ("siu_", ["李小明"]),
        ("100%", ["大文 Wong"]),
        ("%", ["大文 Wong"]),
        ("陳 大文", ["陳大文"]),
        ("陳 大 文", ["陳大文"]),
        ("大文wong", ["大文 Wong"]),
        ("chan siuming", ["Chan Siu Ming, Peter"]),
        ("chansiu-ming peter", ["Chan Siu Ming, Peter"]),
        ("nobody", []),
        ("xq", []),
        ("gp", ["Chan Siu Ming, Peter"]),
        ("0%", ["大文 Wong"]),
        ("peter@example.net", ["Chan Siu Ming, Peter"]),
        ("ｐｅｔｅｒ@ｅｘａｍｐｌｅ.ｎｅｔ", ["Chan Siu Ming, Peter"]),
        ("peter@example.ne", ["Chan Siu Ming, Peter"]),
        ("+886 912 345 678", ["Chan Siu Ming, Peter"]),
        ("0912345678", ["Chan Siu Ming, Peter"]),
        ("'; DROP TABLE customers; --", []),
    ],
)
async def test_a_part_is_enough(crowd: Shop, monkeypatch: pytest.MonkeyPatch, query: str, expected: list[str]) -> None:
    """C2: two Chinese characters, digits of any width, national and international, any case; LIKE's signs are plain text.

    By reading newest first, and by the indexes alone.
    """
    assert await names(crowd, query) == expected
    monkeypatch.setattr(searching, "FIRST_ROWS", 1)
    assert await names(crowd, query) == expected


async def test_a_national_number_with_its_leading_zero_is_found(crowd: Shop) -> None:
    """C2: 0912 345 678 is how Taiwan writes +886 912 345 678."""
    assert await names(crowd, "0912 345 678", region="TW") == ["Chan Siu Ming, Peter"]
    for typed in ("0912", "0912 34", "886 912", "00886 912", "5678"):
        assert await names(crowd, typed, region="TW") == ["Chan Siu Ming, Peter"], typed
    assert await names(crowd, "0945", region="TW") == []


async def test_an_empty_search_lists_the_newest_with_the_number_of_members(crowd: Shop) -> None:
    """C1, C2: guests only when asked for, merged accounts never."""
    await crowd.enrol(buyer("", "guest@example.com", "A Guest", trusted=False))
    primary, merged = await crowd.member(name="Primary"), await crowd.member(name="Merged")
    await crowd.absorb(primary, merged)
    expected = ["Primary", *(name for name, _, _ in reversed(PEOPLE))]
    assert await names(crowd, "  ") == expected
    assert await names(crowd, "", members_only=False) == ["Primary", "A Guest", *expected[1:]]
    assert await names(crowd, "guest", members_only=False) == ["A Guest"]
    assert await names(crowd, "gu", members_only=False) == ["A Guest"]
    assert await names(crowd, "merged", members_only=False) == []
    found = await queries.search_customers(crowd.context.database, crowd.who, 0, "", "", True)
    assert found.members_total == 6


@pytest.mark.parametrize("query", ["", "大", "example.com", "ma"])
@pytest.mark.parametrize("members_only", [True, False])
async def test_pages_join_without_gap_or_repetition(shop: Shop, query: str, members_only: bool) -> None:
    """C11: the key of the last row leads on, whichever way the search goes."""
    for n in range(7):
        await shop.enrol(buyer("", f"mail{n}@example.com", f"大{n}", trusted=n % 3 != 0))
    wanted = [f"大{n}" for n in reversed(range(7)) if n % 3 or not members_only]
    read: list[str] = []
    token = ""
    while True:
        found = await queries.search_customers(shop.context.database, shop.who, 2, token, query, members_only)
        read += [customer.name for customer in found.page.items]
        token = found.page.next_token
        if not token:
            break
    assert read == wanted


async def test_a_forged_page_token_is_refused(shop: Shop) -> None:
    """C11."""
    for token in ("x", "W10=", "WzEsMl0="):
        with pytest.raises(InvalidInput, match="invalid_page_token"):
            await queries.search_customers(shop.context.database, shop.who, 0, token, "", True)
        with pytest.raises(InvalidInput, match="invalid_page_token"):
            await queries.list_entries(shop.context.database, shop.who, 0, token, new_id())


async def test_another_store_finds_and_reads_nobody(crowd: Shop) -> None:
    """S, fault 30: by every way of searching, and by id."""
    [someone] = await crowd.rows("SELECT customer_id FROM customers WHERE phone = '+85294512053'")
    other = crowd.another()
    for query in ("", "大文", "文", "9451", "67", "siu ming", "pe", "tai.man@"):
        assert await names(other, query, members_only=False) == []
    for read in (
        queries.get_customer(other.context.database, other.who, someone.customer_id),
        queries.list_entries(other.context.database, other.who, 0, "", someone.customer_id),
    ):
        with pytest.raises(NotFound, match="customer_not_found"):
            await read
