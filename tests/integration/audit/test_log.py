"""Whoever alters the audit log with all rights there are is found out (H1, A)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from deploy.audit import log
from deploy.audit.joins import Databases
from deploy.local.state import CONTEXTS, DatabaseUrls
from services.common import audit
from services.common.outbox import Event
from services.identity_merge.domain.audit import BEGINNING, Doing, Entry, chain

STORE, OTHER = uuid4(), uuid4()
NOW = datetime.now(UTC)


def doing(n: int, event_id: UUID, at: datetime) -> Doing:
    return Doing(event_id, "orders", at, "staff:1", "order.refunded", "order", STORE, (("refunded", "", str(n)),), "")


ENTRIES = chain(STORE, BEGINNING, [doing(n, uuid4(), NOW - timedelta(days=30 - n)) for n in range(20)])
OTHERS = chain(OTHER, BEGINNING, [doing(n, uuid4(), NOW - timedelta(days=30)) for n in range(3)])


def forged() -> list[Entry]:
    """The chain without its tenth entry, reckoned anew from there on."""
    return chain(STORE, BEGINNING, [entry.doing for entry in ENTRIES if entry.link.seq != 10])


async def write(connection: asyncpg.Connection, store_id: UUID, entries: list[Entry]) -> None:
    await connection.executemany(
        "INSERT INTO audit_entries (store_id, seq, hash, event_id, service, at, actor, action, subject_kind, subject_id, changes,"
        " request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            (
                *(store_id, e.link.seq, e.link.hash, e.doing.event_id, e.doing.service, e.doing.at, e.doing.actor),
                *(e.doing.action, e.doing.subject_kind, e.doing.subject_id),
                *(orjson.dumps(e.doing.changes).decode(), e.doing.request_id),
            )
            for e in entries
        ],
    )


CHAIN, WITNESS, NOTED = "every entry of the audit log", "the audit log still has", "everything noted of late"
# What somebody with a superuser's rights does, and what no longer holds then.
DEEDS: dict[str, tuple[str, list[str]]] = {
    "nothing": ("SELECT 1", []),
    "a value is altered": (
        'UPDATE audit_entries SET changes = \'[["refunded", "", "1"]]\' WHERE store_id = $1 AND seq = 10',
        [CHAIN],
    ),
    "an actor is altered": ("UPDATE audit_entries SET actor = 'staff:2' WHERE store_id = $1 AND seq = 20", [CHAIN]),
    "a time is altered": (
        "UPDATE audit_entries SET at = at - interval '1 us' WHERE store_id = $1 AND seq = 2",
        [CHAIN],
    ),
    "an entry is taken out": ("DELETE FROM audit_entries WHERE store_id = $1 AND seq = 10", [CHAIN]),
    "the first one is taken out": ("DELETE FROM audit_entries WHERE store_id = $1 AND seq = 1", [CHAIN]),
    "the tail is cut off": ("DELETE FROM audit_entries WHERE store_id = $1 AND seq > 15", [WITNESS]),
    "all of a store is taken out": ("DELETE FROM audit_entries WHERE store_id = $1", [WITNESS]),
    "an entry is put in at the end": (
        "INSERT INTO audit_entries (store_id, seq, hash, event_id, service, at, actor, action, subject_kind, subject_id, changes,"
        " request_id) SELECT store_id, 21, hash, gen_random_uuid(), service, now(), actor, action, subject_kind, subject_id,"
        " changes, '' FROM audit_entries WHERE store_id = $1 AND seq = 20",
        [CHAIN, NOTED],
    ),
}


@pytest.fixture
def urls(service_database: Callable[[str], DatabaseUrls]) -> dict[str, str]:
    return {context: service_database(context).admin for context in CONTEXTS}


Both = tuple[asyncpg.Connection, asyncpg.Connection]


@pytest.fixture
async def both(urls: dict[str, str]) -> AsyncIterator[Both]:
    """Connections to the database of the log and to that of the orders."""
    own = await asyncpg.connect(urls["identity_merge"])
    orders = await asyncpg.connect(urls["orders"])
    yield own, orders
    await own.close()
    await orders.close()


async def broken(urls: dict[str, str]) -> list[str]:
    async with Databases.open(urls) as databases:
        verdicts = [await check(databases) for check in (log.check_chain, log.check_witness, log.check_noted)]
    assert all(verdict.examples for verdict in verdicts if not verdict.holds)
    return [verdict.sentence for verdict in verdicts if not verdict.holds]


async def test_every_way_of_altering_the_log_is_found(urls: dict[str, str], both: Both) -> None:
    own, orders = both
    await own.execute("SET session_replication_role = replica")  # triggers keep still
    await write(own, OTHER, OTHERS)
    # Orders has been told of some ends only, the last among them.
    seen = [(STORE, e.link.seq, e.link.hash) for e in ENTRIES if e.link.seq in (4, 12, 20)]
    await orders.executemany("INSERT INTO audit_witness VALUES ($1, $2, $3)", seen)
    for name, (statement, sentences) in DEEDS.items():
        await own.execute("DELETE FROM audit_entries WHERE store_id = $1", STORE)
        await write(own, STORE, ENTRIES)
        await (own.execute(statement, STORE) if "$1" in statement else own.execute(statement))
        found = await broken(urls)
        assert [f.startswith(s) for f, s in zip(found, sentences, strict=True)] == [True] * len(sentences), (
            name,
            found,
        )
    await own.execute("DELETE FROM audit_entries WHERE store_id = $1", STORE)
    await write(own, STORE, forged())
    assert [f.startswith(WITNESS) for f in await broken(urls)] == [True], "a chain reckoned anew as a whole"


async def test_what_was_noted_and_what_is_written_must_agree(urls: dict[str, str], both: Both) -> None:
    events = [audit.noted("orders", "staff:1", "order.cancelled", "order", uuid4()) for _ in range(3)]
    own, orders = both
    await orders.executemany(
        "INSERT INTO outbox (store_id, event_id, type, aggregate_id, version, payload, published_at)"
        " VALUES ($1, $2, $3, $4, 0, $5, now())",
        [(STORE, e.event_id, e.type, e.aggregate_id, e.payload) for e in events],
    )
    entries = chain(STORE, BEGINNING, [as_noted(event) for event in events])
    await write(own, STORE, entries[:2])
    assert [f.startswith(NOTED) for f in await broken(urls)] == [True], "one was never written down"
    await write(own, STORE, entries[2:])
    assert await broken(urls) == []


def as_noted(event: Event) -> Doing:
    return log._told("orders", (STORE, event.event_id, event.payload))
