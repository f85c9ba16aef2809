"""Fills the demo store with members and orders by the million, fast enough that ten million of each are there within the hour.

The people are those of `make members` in kind (deploy/local/people.py): some ten thousand are made up there, and the database multiplies
them, each with a phone and an e-mail of its own, none to two paid orders (one on average) and the points of what is younger than a year.
What is written is what the services would have written, as MemberLoader does it, so `make audit` holds. Indexes are dropped for the while
and built anew, and triggers do not fire: what they keep is written here, too. For a stack that is the bench's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import asyncpg
import orjson

from deploy.local.demo import SLUG
from deploy.local.people import person
from deploy.local.provision import run_sync
from deploy.local.state import DataFolder, RunningStack
from services.membership.domain import search_text
from tests.bench.people import id_at

_BATCH = 250_000
# At most; there may be fewer in a small fill, and each has another number of copies then.
_TEMPLATES = 20_000
_TABLES = {
    "membership": (
        *("customers", "customer_search", "standings", "identifiers", "order_facts", "points_lots", "points_entries"),
    ),
    "orders": ("orders", "order_lines", "order_texts"),
}
# Its rows come in no order, and nothing refers to it: its primary key is faster built at the end.
_KEY_LATER = "identifiers"
_PEOPLE = """CREATE TEMPORARY TABLE made_people (place INT PRIMARY KEY, name TEXT, folded TEXT, grams TEXT[], handle TEXT, host TEXT,
 birthday DATE, tags TEXT[], member BOOLEAN, taiwan BOOLEAN, with_phone BOOLEAN)"""
_PEOPLE_COLUMNS = (
    *("place", "name", "folded", "grams", "handle", "host", "birthday", "tags", "member", "taiwan", "with_phone"),
)
# $1 the store, $2 and $3 the first number and the one behind the last, $4 how many there will be, $5 now, $6 the first order's number.
# Ids are UUIDv7 by the time of what they name, so that rows lie in the order in which they would have come.
# Eight beginnings of Hong Kong with a million numbers each; beyond them everybody is Taiwanese (deploy/local/people.py).
_PHONE = """CASE WHEN NOT with_phone THEN '' WHEN taiwan OR n >= 8000000 THEN '+8869' || lpad((n * 7368787 % 100000000)::text, 8, '0')
 ELSE '+852' || (ARRAY['61', '63', '64', '65', '69', '94', '96', '97'])[1 + n * 7368787 % 8000000 / 1000000]
  || lpad((n * 7368787 % 1000000)::text, 6, '0') END"""
_MADE = f"""crowd AS MATERIALIZED (SELECT n, p.*, {_PHONE} AS phone,
  CASE WHEN handle = '' THEN '' ELSE handle || n || '@' || host END AS email,
  timestamptz '2023-11-01' + ($5::timestamptz - timestamptz '2023-11-01') * ((n + 0.5) / $4::bigint) AS since
 FROM generate_series($2::bigint, $3::bigint - 1) AS n JOIN made_people p ON p.place = n % (SELECT count(*) FROM made_people)),
made AS MATERIALIZED (SELECT *, {id_at("since", "'c' || n")} AS customer_id FROM crowd),
bought AS MATERIALIZED (SELECT made.customer_id, made.name, made.phone, made.member, b.*, {
    id_at("placed_at", "'o' || b.place_no")
} AS order_id
 FROM made, LATERAL (SELECT n + k - (n % 3 > 0)::int AS place_no, $6::bigint + n + k - (n % 3 > 0)::int AS number,
   100 * (10 + (n * 48271 + k * 7919) % 61 * ((n * 69621 + k) % 47)) AS amount,
   LEAST($5::timestamptz, since + interval '7 days' * ((n * 16807 + k * 5) % 1000 / 1000.0)) AS placed_at
  FROM generate_series(0, n % 3 - 1) AS k) AS b)"""
_DIGEST = "sha256($8::bytea || sha256($7::bytea || convert_to('{kind}:' || lower({kind}), 'UTF8')))"
_MEMBERSHIP = f"""WITH {_MADE},
sums AS MATERIALIZED (SELECT customer_id, sum(amount) AS spent, count(*) AS orders,
  COALESCE(sum(amount / 100) FILTER (WHERE member AND placed_at > $5::timestamptz - interval '365 days'), 0)
   AS points FROM bought GROUP BY 1),
whole AS MATERIALIZED (SELECT made.*, CASE WHEN member THEN 2 ELSE 1 END AS status, COALESCE(spent, 0) AS spent, COALESCE(orders,
 0) AS orders,
  COALESCE(points, 0) AS points, folded || E'\\n' || phone || E'\\n' || email AS haystack
 FROM made LEFT JOIN sums USING (customer_id)),
customers_in AS (INSERT INTO customers (store_id, customer_id, status, name, phone, email, birthday, language, source, created_at,
 joined_at,
  net_spend, orders_count, points_balance, version, level_id, tags)
 SELECT $1::uuid, customer_id, status, name, phone, email, birthday, 'zh-Hant', 'made up', since, CASE WHEN member THEN since END,
  spent, orders,
  points, 1, CASE WHEN member THEN (SELECT level FROM unnest($9::bigint[], $10::uuid[]) AS l(least, level) WHERE least <= spent
   ORDER BY least DESC LIMIT 1) END, tags FROM whole),
search_in AS (INSERT INTO customer_search (store_id, customer_id, member, since, haystack, grams)
 SELECT $1, customer_id, member, since, haystack, grams FROM whole),
standings_in AS (INSERT INTO standings (store_id, customer_id, member, since, net_spend, points)
 SELECT $1, customer_id, member, since, spent, points FROM whole),
phones_in AS (INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
 SELECT $1, 'phone', {_DIGEST.format(kind="phone")}, phone, customer_id, 'live' FROM whole WHERE member AND phone <> ''),
emails_in AS (INSERT INTO identifiers (store_id, kind, digest, value, customer_id, state)
 SELECT $1, 'email', {_DIGEST.format(kind="email")}, email, customer_id, 'live' FROM whole WHERE member AND email <> ''),
facts_in AS (INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at, settled,
 paid, version)
 SELECT $1, order_id, customer_id, customer_id, false, placed_at, true, amount, 1 FROM bought),
good AS (SELECT * FROM bought WHERE member AND placed_at > $5::timestamptz - interval '365 days'),
lots_in AS (INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, expires_at, created_at)
 SELECT $1, customer_id, order_id, amount / 100, amount / 100, placed_at + interval '365 days', placed_at FROM good)
INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, order_id, actor, at)
 SELECT $1, customer_id, order_id, order_id, 1, amount / 100, '', order_id, 'service:membership', placed_at FROM good"""
_ORDERS = f"""WITH {_MADE},
orders_in AS (INSERT INTO orders (store_id, order_id, number, customer_id, status, channel, currency, subtotal, discount, shipping,
 total, paid,
  refunded, contact_name, contact_phone, contact_email, add_as_member, note, external_reference, language, placed_at, paid_at, version)
 SELECT $1::uuid, order_id, number, customer_id, (ARRAY[2, 2, 3, 4, 5, 5, 5, 5])[1 + number % 8], 1 + number % 4, $7::text, amount,
  0, 0, amount,
  amount, 0, name, phone, '', true, '', '', 'zh-Hant', placed_at, placed_at, 1 FROM bought
 RETURNING order_id, total, contact_search, contact_grams),
texts_in AS (INSERT INTO order_texts (store_id, order_id, search, grams) SELECT $1, order_id, contact_search, contact_grams FROM orders_in)
INSERT INTO order_lines (store_id, order_id, position, sku, title, quantity, unit_price, discount)
 SELECT $1, order_id, 1, '', 'Made up', 1, total, 0 FROM orders_in"""
_THERE = "SELECT count(*) FROM customers WHERE store_id = $1 AND source = 'made up'"
_NEXT = "SELECT COALESCE(max(next_number), 1) FROM order_numbers WHERE store_id = $1"
_COUNT_ON = """INSERT INTO order_numbers (store_id, next_number) VALUES ($1, $2)
 ON CONFLICT (store_id) DO UPDATE SET next_number = GREATEST(order_numbers.next_number, excluded.next_number)"""
_INDEXES = """SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS made FROM pg_index
 WHERE indrelid = ANY($1::regclass[]) AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = indexrelid)"""
_SIZES = "SELECT sum(pg_database_size(datname))::bigint FROM pg_database"
# What the database keeps of a buyer's name is reckoned anew for each order, by far the most of what writing one takes. For the while it
# is looked up instead, as it was reckoned for each of the few names that there are.
_GRAMS = """CREATE TEMPORARY TABLE made_grams (folded TEXT PRIMARY KEY, grams TEXT[]);
INSERT INTO made_grams SELECT DISTINCT split_part(found, E'\\n', 1), order_grams(found)
 FROM (SELECT DISTINCT order_text(name, '', '') AS found FROM made_people) AS names;
CREATE OR REPLACE FUNCTION order_grams(haystack text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN RETURN (SELECT m.grams FROM made_grams m WHERE m.folded = split_part(haystack, E'\\n', 1)); END $$"""
_GRAMS_FUNCTION = "SELECT pg_get_functiondef('order_grams'::regproc)"
# Of the machine that the bench is for; a build that has less sorts on disk.
_FAST = "SET session_replication_role = replica; SET synchronous_commit = off; SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'"


@dataclass(frozen=True, slots=True)
class Filled:
    """What a fill came to: rows that were added, seconds of it all, and bytes of all databases afterwards."""

    members: int
    orders: int
    seconds: float
    database_bytes: int


def grow(running: RunningStack, members: int, say: Callable[[str], None] = lambda _: None) -> Filled:
    """Adds customers, and as many orders, until the demo store has so many made-up ones."""
    return run_sync(_grow(running, members, say))


async def _grow(running: RunningStack, members: int, say: Callable[[str], None]) -> Filled:
    began = time.perf_counter()
    by_context = {name: await asyncpg.connect(running.databases[name].admin) for name in ("identity_merge", *_TABLES)}
    identity, membership, orders = by_context.values()
    try:
        store = await identity.fetchrow("SELECT store_id, currency FROM stores WHERE slug = $1", SLUG)
        there = await membership.fetchval(_THERE, store["store_id"])
        if members > there:
            first = await orders.fetchval(_NEXT, store["store_id"])
            await orders.execute(_COUNT_ON, store["store_id"], first + members - there + 2)
            fixed = (store["store_id"], members, datetime.now(UTC), first - there + 1)
            keys = _pads(DataFolder(running.data).secret("identifier_key"))
            levels = await _levels(membership, store["store_id"])
            span, people = range(there, members), await asyncio.to_thread(_templates, min(_TEMPLATES, members - there))
            await asyncio.gather(
                _fill(membership, "membership", _MEMBERSHIP, span, people, fixed, (*keys, *levels), say),
                _fill(orders, "orders", _ORDERS, span, people, fixed, (store["currency"],), say),
            )
        size = await identity.fetchval(_SIZES)
    finally:
        for connection in by_context.values():
            await connection.close()
    added = max(0, members - there)
    return Filled(added, added, round(time.perf_counter() - began, 1), int(size))


async def _fill(
    connection: asyncpg.Connection,
    context: str,
    statement: str,
    span: range,
    people: Sequence[tuple[object, ...]],
    fixed: tuple[UUID, int, datetime, int],
    rest: Sequence[object],
    say: Callable[[str], None],
) -> None:
    store_id, of, now, first = fixed
    await connection.execute(_FAST)
    await connection.execute(_PEOPLE)
    await connection.copy_records_to_table("made_people", records=people, columns=_PEOPLE_COLUMNS)
    await connection.execute("ANALYZE made_people")
    indexes = await connection.fetch(_INDEXES, list(_TABLES[context]))
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    if _KEY_LATER in _TABLES[context]:
        await connection.execute(f"ALTER TABLE {_KEY_LATER} DROP CONSTRAINT {_KEY_LATER}_pkey")
    reckoned = await connection.fetchval(_GRAMS_FUNCTION) if context == "orders" else ""
    if reckoned:
        await connection.execute(_GRAMS)
    for begin in range(span.start, span.stop, _BATCH):
        end = min(begin + _BATCH, span.stop)
        await connection.execute(statement, store_id, begin, end, of, now, first, *rest, timeout=3_600)
        say(f"{context}: {end:,} of {of:,} are there")
    if reckoned:
        await connection.execute(reckoned)
    if _KEY_LATER in _TABLES[context]:
        say(f"{context}: building the key of {_KEY_LATER}")
        await connection.execute(f"ALTER TABLE {_KEY_LATER} ADD PRIMARY KEY (store_id, kind, digest)", timeout=7_200)
    for index in indexes:
        say(f"{context}: building {index['name']}")
        await connection.execute(index["made"], timeout=7_200)
    say(f"{context}: statistics")
    await connection.execute("VACUUM (ANALYZE)", timeout=7_200)


def _templates(count: int) -> list[tuple[object, ...]]:
    now, rows = datetime.now(UTC), []
    for place in range(count):
        who = person(place, count, now)
        handle, _, host = who.email.partition("@")
        found_by = search_text(who.name, "", "")
        folded = found_by.haystack.split("\n")[0]
        rows.append(
            (
                *(place, who.name, folded, list(found_by.grams), handle.removesuffix(str(place)), host, who.birthday),
                *(list(who.tags), who.member, who.phone.startswith("+886"), bool(who.phone)),
            )
        )
    return rows


def _pads(key: str) -> tuple[bytes, bytes]:
    """The two paddings of HMAC-SHA-256: by them the database makes the digests that IdentifierHasher makes."""
    block = key.encode().ljust(64, b"\0")
    return bytes(byte ^ 0x36 for byte in block), bytes(byte ^ 0x5C for byte in block)


async def _levels(membership: asyncpg.Connection, store_id: UUID) -> tuple[list[int], list[UUID]]:
    document = await membership.fetchval("SELECT levels FROM store_settings WHERE store_id = $1", store_id)
    levels = [(int(rest["threshold"]), UUID(level)) for level, rest in orjson.loads(document or "{}").items()]
    return [least for least, _ in levels], [level for _, level in levels]
