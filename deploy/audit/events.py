"""X and L: what was committed arrives, and what was begun ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from deploy.audit.joins import Databases, Row, full_join
from deploy.audit.verdict import Verdict
from deploy.local.state import CONTEXTS
from services.common.inbox import Subscription
from services.common.outbox import type_of

# What is still on its way, by context: how many, and in what words.
_PENDING = {
    "every": {
        "events not yet published": "SELECT count(*) FROM outbox WHERE published_at IS NULL",
        "dead letters": "SELECT count(*) FROM dead_letters WHERE replayed_at IS NULL",
    },
    "membership": {
        "removals under way": "SELECT count(*) FROM removals WHERE state = 'claimed'",
        "guests to be looked for": "SELECT count(*) FROM proofs WHERE value IS NOT NULL",
        "imports under way": "SELECT count(*) FROM imports WHERE state = 4",
        "changes of levels under way": "SELECT count(*) FROM level_runs WHERE state < 3",
        "invitations under way": "SELECT count(*) FROM invitation_runs WHERE state < 3",
    },
    "orders": {
        "erasures under way": "SELECT count(*) FROM erasures",
        "runs over orders under way": "SELECT count(*) FROM bulk_runs WHERE state < 3",
    },
    "identity_merge": {"merges under way": "SELECT count(*) FROM merge_runs WHERE finished_at IS NULL"},
    "notification": {
        "messages waiting": "SELECT count(*) FROM messages WHERE state IN ('queued', 'claimed', 'sending')",
        # What waits for its next attempt may do so for a day: that hangs on somebody else's system.
        "webhooks to be sent": """SELECT count(*) FROM webhook_deliveries d JOIN webhooks w USING (store_id, webhook_id)
 WHERE d.state = 'claimed' OR (d.state = 'queued' AND (w.disabled_because <> '' OR greatest(d.next_attempt_at, w.rest_until) <= now()))""",
    },
}

_READ = """SELECT i.store_id, i.event_id FROM inbox i
 JOIN unnest($1::uuid[], $2::uuid[]) AS w(store_id, event_id) USING (store_id, event_id)"""
_FEW, _LATE_SECONDS = 500, 10.0


def readers() -> dict[tuple[str, str], list[str]]:
    """(publisher, reader) → the event types that the reader subscribes to, as the code says."""
    found: dict[tuple[str, str], list[str]] = {}
    for reader in CONTEXTS:
        for publisher, wanted in _subscriptions(reader).items():
            found[publisher, reader] = [type_of(s.message, publisher) for s in wanted]
    return found


def _subscriptions(reader: str) -> Mapping[str, Sequence[Subscription]]:
    """What a service reads: a constant, or made with its context. None will do for that, because no handler is called here."""
    consumers: Any = import_module(f"services.{reader}.consumers")
    made: Mapping[str, Sequence[Subscription]] = (
        consumers.SUBSCRIPTIONS if hasattr(consumers, "SUBSCRIPTIONS") else consumers.subscriptions(None)
    )
    return made


async def pending(databases: Databases) -> dict[str, int]:
    """What is still on its way; empty once quiet."""
    found: dict[str, int] = {}
    for context in CONTEXTS:
        for words, query in {**_PENDING["every"], **_PENDING.get(context, {})}.items():
            if count := await databases.value(context, query):
                found[f"{context}: {words}"] = count
    for (publisher, reader), types in readers().items():
        sent = await databases.value(publisher, "SELECT count(*) FROM outbox WHERE type = ANY($1)", types)
        read = await databases.value(
            reader, "SELECT count(*) FROM inbox WHERE type = ANY($1) AND received_at > now() - interval '7 days'", types
        )
        if sent > read:
            found[f"{reader}: events of {publisher} not yet read"] = sent - read
    return found


async def check_events(databases: Databases) -> Verdict:
    """X: every event that is still in an outbox has taken effect at each of its readers."""
    verdict = Verdict("X", "committed events have been read by each of their readers")
    for (publisher, reader), types in readers().items():
        sent = databases.stream(
            publisher,
            "SELECT store_id, event_id, type FROM outbox WHERE type = ANY($1) ORDER BY store_id, event_id",
            types,
        )
        read = databases.stream(
            reader, "SELECT store_id, event_id FROM inbox WHERE type = ANY($1) ORDER BY store_id, event_id", types
        )
        missing = []
        async for event, receipt in full_join(sent, read, 2):
            if event is not None and receipt is None:  # receipts outlive the events they are for
                missing.append(event)
            elif event is not None:
                verdict.expect(True, "")
        unread = await _still_unread(databases, reader, missing)
        for store_id, event_id, type_ in missing:
            verdict.expect((store_id, event_id) not in unread, f"{type_} {event_id} unread by {reader}")
    return verdict


async def _still_unread(databases: Databases, reader: str, missing: Sequence[Row]) -> set[Row]:
    """Those of a few that stay unread. `settle` goes by numbers, so what has just been committed may still be on its way."""
    unread = {(store_id, event_id) for store_id, event_id, _ in missing}
    deadline = time.monotonic() + _LATE_SECONDS
    while unread and len(missing) <= _FEW and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
        stores, events = zip(*unread, strict=True)
        unread -= set(await databases.rows(reader, _READ, list(stores), list(events)))
    return unread


async def check_ends(databases: Databases) -> Verdict:
    """L: merges have ended, and no account is still held by one that has."""
    verdict = Verdict("L", "every merge has ended and holds no account")
    for run_id, finished, held in await databases.rows(
        "identity_merge",
        """SELECT r.merge_run_id, r.finished_at IS NOT NULL, count(p.*) FILTER (WHERE p.active)
 FROM merge_runs r LEFT JOIN merge_participants p USING (store_id, merge_run_id) GROUP BY r.store_id, r.merge_run_id, r.finished_at""",
    ):
        verdict.expect(finished and not held, f"merge {run_id}")
    return verdict
