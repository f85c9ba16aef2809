"""A database that was in use before lists had filters (0005) finds everybody afterwards."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text

import services.membership
from deploy.local.provision import run_sync
from deploy.local.state import DatabaseUrls
from services.common import clock, migrate
from services.common.config import Environment
from services.common.database import Database, connect
from services.common.ids import new_id
from services.common.searching import fold, search_text
from services.common.tokens import ServiceClaims
from services.membership import queries
from services.membership.domain import Filter, Kind, Sort, Wish
from services.membership.store import searching
from tests.support.calls import claims
from tests.support.stack import TestServers

MIGRATIONS = Path(services.membership.__file__).with_name("migrations")
GUEST, MEMBER, MERGED = 1, 2, 3
# Name, phone, e-mail, status, points.
PEOPLE = [
    ("陳 大文", "+85294512053", "tai.man@example.com", MEMBER, 30),
    ("陳大文", "+85298765432", "", MEMBER, 20),
    ("Chan, Siu-Ming Peter", "+886912345678", "Peter@Example.net", MEMBER, 10),
    ("歐陽・峯", "", "ou.yang@example.org", MEMBER, 0),
    ("Ｍａｒｙ O'Neil", "+85261234567", "", MEMBER, 40),
    ("", "", "nameless@example.com", GUEST, 0),
    ("Gone 李", "+85291111111", "", MERGED, 0),
]
_CUSTOMER = """INSERT INTO customers (store_id, customer_id, status, name, phone, email, language, source, created_at, joined_at,
 survivor_id, points_balance, version) VALUES ($1, $2, $3, $4, $5, $6, 'zh-Hant', 'order', $7, $8, $9, $10, 1)"""
_SEARCH = "INSERT INTO customer_search (store_id, customer_id, member, since, haystack, grams) VALUES ($1, $2, $3, $4, $5, $6)"
_HAN = re.compile("[\u2e80-\u9fff]")


def kept_by_0004(name: str, phone: str, email: str) -> tuple[str, list[str]]:
    """What was kept for searching until then: names with their gaps."""
    name = fold(name)
    cut = (name[i : i + width] for i in range(len(name)) for width in (1, 2))
    return f"{name}\n{phone}\n{fold(email)}", sorted({gram for gram in cut if _HAN.search(gram)})


async def fill(connection: asyncpg.Connection, who: ServiceClaims) -> None:
    """The people as the code of 0004 wrote them, the first one the newest."""
    for n, (name, phone, email, status, points) in enumerate(PEOPLE):
        customer_id, at = new_id(), clock.now() - timedelta(days=n)
        joined, survivor = at if status == MEMBER else None, new_id() if status == MERGED else None
        await connection.execute(
            _CUSTOMER, who.store, customer_id, status, name, phone, email, at, joined, survivor, points
        )
        if status != MERGED:
            kept = kept_by_0004(name, phone, email)
            await connection.execute(_SEARCH, who.store, customer_id, status == MEMBER, at, *kept)


@pytest.fixture(scope="module")
def people(postgres_server: TestServers) -> Iterator[tuple[DatabaseUrls, ServiceClaims, ServiceClaims]]:
    """A database that was filled at 0004, for two stores, and upgraded to the newest revision."""
    made = postgres_server.empty_database("membership")
    one, other = claims(), claims()

    async def age() -> None:
        owner = Environment({"ONEFOLD_DATABASE_URL": made.owner})
        await migrate.upgrade(owner, MIGRATIONS, "0004")
        connection = await asyncpg.connect(made.admin)
        await fill(connection, one)
        await fill(connection, other)
        await connection.close()
        await migrate.upgrade(owner, MIGRATIONS)

    run_sync(age())
    yield made, one, other
    postgres_server.drop(made)


@pytest.fixture
async def database(people: tuple[DatabaseUrls, ServiceClaims, ServiceClaims]) -> AsyncIterator[Database]:
    database = Database(connect(people[0].app, connections=4, name="test-upgrade"))
    yield database
    await database.close()


async def names(database: Database, who: ServiceClaims, wish: Wish) -> list[str]:
    found = await queries.list_customers(database, who, 0, "", wish)
    return [customer.name for customer in found.page.items]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("陳大文", [0, 1]),
        ("陳 大文", [0, 1]),
        ("陳大", [0, 1]),
        ("文", [0, 1]),
        ("歐陽峯", [3]),
        ("陽峯", [3]),
        ("chan siu ming", [2]),
        ("siumingp", [2]),
        ("ET", [2]),
        ("mary oneil", [4]),
        ("ma", [0, 4]),
        ("9451 2053", [0]),
        ("+852 9451 2053", [0]),
        ("98765", [1]),
        ("0912345678", [2]),
        ("67", [2, 4]),
        ("tai.man@example.com", [0]),
        ("peter@example.net", [2]),
        ("example.org", [3]),
        ("nameless", [5]),
        ("gone", []),
        ("91111111", []),
    ],
)
async def test_whoever_was_there_before_the_upgrade_is_found_after_it(
    people: tuple[DatabaseUrls, ServiceClaims, ServiceClaims],
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    query: str,
    expected: list[int],
) -> None:
    """C2, S: names with and without their gaps, phones and e-mails whole and in part, in each store its own and nobody twice.

    By reading newest first, and by the indexes alone.
    """
    wish = Wish(Filter(query=query))
    for who in (replace(each, region="TW" if query.startswith("09") else "HK") for each in people[1:]):
        assert await names(database, who, wish) == [PEOPLE[n][0] for n in expected]
    monkeypatch.setattr(searching, "FIRST_ROWS", 1)
    assert await names(database, people[1], wish) == [PEOPLE[n][0] for n in expected]
    assert await names(database, claims(), wish) == []


async def test_lists_are_sorted_by_what_members_had_before_the_upgrade(
    people: tuple[DatabaseUrls, ServiceClaims, ServiceClaims], database: Database
) -> None:
    """C11: standings are filled for members and guests, not for merged accounts."""
    wish = Wish(Filter(kind=Kind.MEMBERS), Sort.POINTS_HIGH)
    assert await names(database, people[1], wish) == [PEOPLE[n][0] for n in (4, 0, 1, 2, 3)]
    everybody = await names(database, people[1], Wish(Filter()))
    assert everybody == [name for name, *_, status, _ in PEOPLE if status != MERGED]


async def test_the_upgrade_keeps_for_searching_what_the_code_would_have_kept(
    people: tuple[DatabaseUrls, ServiceClaims, ServiceClaims], database: Database
) -> None:
    """An edit later would otherwise change by what somebody is found."""
    async with database.transaction(people[1].store) as tx:
        rows = (await tx.execute(text("SELECT haystack, grams FROM customer_search"))).all()
    wanted = [search_text(name, phone, email) for name, phone, email, status, _ in PEOPLE if status != MERGED]
    assert {row.haystack: tuple(sorted(row.grams)) for row in rows} == {each.haystack: each.grams for each in wanted}
