"""Each invariant that the audit checks can be found broken: a check that cannot fail would be worth nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import uuid4

import asyncpg
import pytest

from deploy.audit.__main__ import audit
from deploy.audit.verdict import Verdict
from deploy.local.state import CONTEXTS, DatabaseUrls

STORE, A, B, ORDER, RUN, EVENT = (str(uuid4()) for _ in range(6))


def customer(customer_id: str, status: int = 2, survivor: str = "", **more: object) -> str:
    points_to = f"'{survivor}'" if survivor else "NULL"
    columns = {
        "net_spend": 0,
        "orders_count": 0,
        "points_balance": 0,
        "phone": "''",
        "name": "'x'",
        "joined_at": "now()",
    }
    columns |= more
    return (
        f"INSERT INTO customers (store_id, customer_id, status, email, language, source, created_at, survivor_id, version,"
        f" {', '.join(columns)}) VALUES ('{STORE}', '{customer_id}', {status}, '', '', 'order', now(),"
        f" {points_to}, 1, {', '.join(map(str, columns.values()))})"
    )


def gone(customer_id: str, status: int = 4, survivor: str = "", **more: object) -> str:
    """A customer of whom nothing is left but the row."""
    return customer(customer_id, status, survivor, **{"name": "''"} | more)


def order(customer_id: str, *, status: int = 2, paid: int = 0, email: str = "", name: str = "") -> str:
    return (
        "INSERT INTO orders (store_id, order_id, number, customer_id, status, channel, currency, subtotal, discount, shipping, total,"
        " paid, refunded, contact_name, contact_phone, contact_email, add_as_member, note, external_reference, language, placed_at,"
        f" version) VALUES ('{STORE}', '{ORDER}', 1, '{customer_id}', {status}, 1, 'HKD', {paid}, 0, 0, {paid}, {paid}, 0, '{name}', '',"
        f" '{email}', true, '', '', '', now(), 1)"
    )


def identifier(customer_id: str, value: str) -> str:
    state = "live" if value != "NULL" else "retired"
    return f"INSERT INTO identifiers VALUES ('{STORE}', 'phone', '\\x01', {value}, '{customer_id}', '{state}', NULL)"


def login_method(kind: str = "phone", state: int = 1) -> str:
    return (
        "INSERT INTO login_methods (store_id, login_method_id, customer_id, kind, digest, value, state)"
        f" VALUES ('{STORE}', gen_random_uuid(), '{A}', '{kind}', '\\x01', 'x', {state})"
    )


LEVELS = (
    "INSERT INTO store_settings (store_id, region, currency, timezone, language, version, levels) VALUES"
    f" ('{STORE}', 'HK', 'HKD', 'Asia/Hong_Kong', 'en', 1, '{{\"{ORDER}\": {{\"threshold\": 500}}}}')"
)


def entry(points: int, reason: int = 1, run: str = "NULL") -> str:
    return (
        "INSERT INTO points_entries (store_id, customer_id, entry_id, lot_id, reason, points, note, actor, at, merge_run_id)"
        f" VALUES ('{STORE}', '{A}', gen_random_uuid(), gen_random_uuid(), {reason}, {points}, '', '', now(), {run})"
    )


LOT = (
    "INSERT INTO points_lots (store_id, customer_id, lot_id, points, remaining, created_at)"
    f" VALUES ('{STORE}', '{A}', gen_random_uuid(), 5, 5, now())"
)
NOTE = (
    "INSERT INTO customer_notes (store_id, customer_id, note_id, content, author, at)"
    f" VALUES ('{STORE}', '{A}', '{RUN}', 'x', '', now())"
)
CONSENT = (
    "INSERT INTO consents (store_id, customer_id, consent_id, given, taken_by, at, old_phone, new_phone, note)"
    f" VALUES ('{STORE}', '{A}', '{RUN}', 'by_phone', '', now(), '', '+852', '')"
)
PROOF = f"INSERT INTO proofs VALUES ('{STORE}', 'phone', '\\x01', '{A}', now(), NULL, 1)"
ERASED = (
    "INSERT INTO removals (store_id, removal_id, customer_id, kind, state, requested_by, requested_at, finished_at, key, fingerprint,"
    f" claimed_until) VALUES ('{STORE}', '{RUN}', '{A}', 'erase', 'done', '', now(), now() + interval '1 day', '', '', now())"
)
PLACED = (
    "INSERT INTO order_history (store_id, order_id, version, at, actor, change, note)"
    f" VALUES ('{STORE}', '{ORDER}', 1, now(), '', 'placed', '')"
)
MESSAGE = (
    "INSERT INTO messages (store_id, message_id, event_id, kind, recipient, language, params, state, customer_id)"
    f" VALUES ('{STORE}', '{RUN}', '{EVENT}', 'confirm_login', 'a@example.com', '', '{{}}', 'sent', '{A}')"
)
UNREAD = (
    "INSERT INTO outbox (store_id, event_id, type, aggregate_id, version, payload, published_at)"
    f" VALUES ('{STORE}', '{EVENT}', 'membership.member_enrolled.v1', '{A}', 1, '', now())"
)
READ = (
    "INSERT INTO inbox (store_id, event_id, type)"
    f" VALUES ('{STORE}', '{EVENT}', 'membership.member_enrolled.v1') ON CONFLICT DO NOTHING"
)
UNFINISHED = (
    "INSERT INTO merge_runs (store_id, merge_run_id, plan_id, state, primary_id, merged_ids, adjustment_points,"
    " adjustment_expires_on, adjustment_description, fingerprint, started_by, started_at, orders_moved, refusal, version, traceparent)"
    f" VALUES ('{STORE}', '{RUN}', '{RUN}', 1, '{A}', '{{{B}}}', 0, '', '', '', '', now(), 0, '', 1, '')"
)

# What is done to the databases, and the sentence that must no longer hold.
BREACHES: dict[str, tuple[dict[str, list[str]], str]] = {
    "a balance without lots": ({"membership": [customer(A, points_balance=5)]}, "points balance ="),
    "lots without a ledger": ({"membership": [customer(A, points_balance=5), LOT]}, "points balance ="),
    "points lost in a merge": (
        {"membership": [customer(A, points_balance=5), LOT, entry(5, 8, f"'{RUN}'")]},
        "points moved by a merge",
    ),
    "an order of nobody": ({"orders": [order(A, status=1)]}, "every order has one owner"),
    "a paid order of a merged account": (
        {"membership": [customer(A), customer(B, 3, A, orders_count=1)], "orders": [order(B)]},
        "every order has one owner",
    ),
    "a guest order of what a member had proved": (
        {
            "membership": [
                *(customer(A, phone="'+852'"), identifier(A, "'+852'"), PROOF, customer(B, 1, orders_count=1)),
                f"INSERT INTO customer_search VALUES ('{STORE}', '{B}', false, now(), E'x\\n+852\\n', '{{}}')",
                "INSERT INTO order_facts (store_id, order_id, customer_id, declared_customer_id, created_member, placed_at)"
                f" VALUES ('{STORE}', '{ORDER}', '{B}', '{B}', false, now() - interval '1 hour')",
            ],
            "orders": [order(B)],
        },
        "guest orders from before a proof",
    ),
    "guests that nobody looks for": (
        {"membership": [PROOF.replace("NULL", "'+852'")]},
        "guest orders from before a proof",
    ),
    "points of somebody deleted": (
        {"membership": [gone(A, points_balance=5), LOT, entry(5)]},
        "points balance =",
    ),
    "a deleted person's name": ({"membership": [customer(A, 4)]}, "who was deleted or erased owns nothing"),
    "a merged account's birthday after its survivor was erased": (
        {"membership": [gone(A, 5), gone(B, 3, A, birthday="'1990-01-01'")]},
        "who was deleted or erased owns nothing",
    ),
    "a deleted person's address": (
        {"membership": [gone(A), f"INSERT INTO addresses VALUES ('{STORE}', '{A}', '', '{{}}', now())"]},
        "who was deleted or erased owns nothing",
    ),
    "a deleted person's note": ({"membership": [gone(A), NOTE]}, "who was deleted or erased owns nothing"),
    "a consent that names an erased person's phone": (
        {"membership": [gone(A, 5), CONSENT]},
        "who was deleted or erased owns nothing",
    ),
    "a deleted person who logs in": (
        {"membership": [gone(A)], "identity_merge": [login_method()]},
        "who was deleted or erased cannot log in",
    ),
    "an order that names an erased person": (
        {"membership": [gone(A, 5, orders_count=1), ERASED], "orders": [order(A, name="Chan"), PLACED]},
        "orders and messages from before",
    ),
    "a message to an erased person": (
        {"membership": [gone(A, 5), ERASED], "notification": [MESSAGE]},
        "orders and messages from before",
    ),
    "a pointer to a guest": ({"membership": [customer(A, 1), customer(B, 3, A)]}, "every merged account points"),
    "a retired phone that logs in": (
        {"membership": [customer(A), identifier(A, "NULL")], "identity_merge": [login_method()]},
        "no retired identifier",
    ),
    "an identifier of a guest": ({"membership": [customer(A, 1), identifier(A, "'+852'")]}, "every identifier in use"),
    "consents of somebody deleted": (
        {"membership": [gone(A), f"INSERT INTO uses VALUES ('{STORE}', '{A}', 'sms_marketing', true, now(), '', '')"]},
        "who was deleted or erased owns nothing",
    ),
    "an identifier that its owner does not carry": (
        {"membership": [customer(A, phone="'+853'"), identifier(A, "'+852'")]},
        "every identifier in use",
    ),
    "spending unheard of": (
        {"membership": [customer(A, orders_count=1)], "orders": [order(A, paid=100)]},
        "net spend and number",
    ),
    "a level of nobody's": (
        {"membership": [LEVELS, customer(A, level_id=f"'{B}'")]},
        "every level is one of the store's",
    ),
    "a level not given": (
        {"membership": [LEVELS, customer(A, net_spend=500, orders_count=1)], "orders": [order(A, paid=500)]},
        "every level is one of the store's",
    ),
    "an order uncounted": (
        {"membership": [customer(A, net_spend=100)], "orders": [order(A, paid=100)]},
        "net spend and number",
    ),
    "an order mail forgotten": (
        {"membership": [customer(A, orders_count=1)], "orders": [order(A, email="a@example.com")]},
        "every order placed with an e-mail",
    ),
    "an order mail sent again by nobody": (
        {"notification": [MESSAGE.replace("confirm_login", "order_resent").replace("customer_id", "order_id")]},
        "every resend of an order e-mail",
    ),
    "an order mail not sent again": (
        {
            "membership": [customer(A, orders_count=1)],
            "orders": [order(A), f"UPDATE orders SET resends = 1 WHERE order_id = '{ORDER}'"],
        },
        "every resend of an order e-mail",
    ),
    "a confirmation forgotten": ({"identity_merge": [login_method("email")]}, "every unconfirmed e-mail login"),
    "a merge that does not end": ({"identity_merge": [UNFINISHED]}, "every merge has ended"),
    "an event unread": ({"membership": [customer(A), UNREAD]}, "committed events have been read"),
    "a wall pulled down": ({"orders": ["ALTER TABLE orders DISABLE ROW LEVEL SECURITY"]}, "row-level security"),
    "a key that spans stores": ({"orders": ["CREATE UNIQUE INDEX ON orders (number)"]}, "row-level security"),
}


@pytest.fixture
def urls(service_database: Callable[[str], DatabaseUrls]) -> dict[str, str]:
    return {context: service_database(context).admin for context in CONTEXTS}


async def audited(urls: dict[str, str]) -> list[Verdict]:
    return (await audit(urls, settle_seconds=0))[1]


async def test_an_empty_system_holds_every_invariant(urls: dict[str, str]) -> None:
    verdicts = await audited(urls)
    assert {v.letter for v in verdicts} == set("POTUNEDLSXQA")
    assert [v.sentence for v in verdicts if not v.holds] == []


@pytest.mark.parametrize("breach", BREACHES)
async def test_a_breach_is_found_and_no_other_is_alleged(urls: dict[str, str], breach: str) -> None:
    statements, sentence = BREACHES[breach]
    for context, broken in statements.items():
        connection = await asyncpg.connect(urls[context])
        for statement in broken:
            await connection.execute(statement)
        await connection.close()
    found = [v for v in await audited(urls) if not v.holds]
    assert [v.sentence.startswith(sentence) for v in found] == [True], [v.sentence for v in found]
    assert found[0].examples


async def test_an_event_that_is_read_while_the_audit_looks_is_no_breach(urls: dict[str, str]) -> None:
    """X: it was committed after the last look for what is on its way."""
    connections = {context: await asyncpg.connect(url) for context, url in urls.items()}
    for statement in (customer(A), UNREAD):
        await connections["membership"].execute(statement)
    auditing = asyncio.create_task(audited(urls))
    await asyncio.sleep(2)
    assert not auditing.done()
    for reader in ("orders", "identity_merge", "notification"):
        await connections[reader].execute(READ)
    assert [v.sentence for v in await auditing if not v.holds] == []
    for connection in connections.values():
        await connection.close()
