"""Publishes again what a reader has no evidence of: after a stream was deleted or rolled back (architecture, rule 2; fault 22).

    python -m deploy.reconcile [--older-than SECONDS]

Every event in an outbox that was published longer ago than that must be in the inbox, or among the dead letters, of each service that
subscribes to its type. One that is not is marked as unpublished, and its relay publishes it anew; readers that know it drop it by
their inbox, so running this at any time, any number of times, changes nothing that is right. Younger events may still be on
their way. Databases are named by ONEFOLD_<CONTEXT>_DATABASE_URL (the worker's roles suffice), else those of the local stack are taken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from deploy.audit.__main__ import database_urls
from deploy.audit.events import readers
from deploy.local.state import DataFolderError
from services.common.ids import NIL
from services.common.outbox import CHANNEL

BATCH = 10_000
OLDER_THAN_SECONDS = 300.0
_PUBLISHED = """SELECT store_id, event_id, type FROM outbox
 WHERE (store_id, event_id) > ($1, $2) AND type = ANY($3) AND published_at < now() - make_interval(secs => $4)
 ORDER BY store_id, event_id LIMIT $5"""
# A message that could not even be read was buried without its store.
_UNREAD = """SELECT x.store_id, x.event_id FROM unnest($1::uuid[], $2::uuid[]) AS x(store_id, event_id)
 WHERE NOT EXISTS (SELECT FROM inbox i WHERE i.store_id = x.store_id AND i.event_id = x.event_id)
   AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.store_id IN (x.store_id, $3) AND d.event_id = x.event_id)"""
_AGAIN = """UPDATE outbox o SET published_at = NULL FROM unnest($1::uuid[], $2::uuid[]) AS x(store_id, event_id)
 WHERE o.store_id = x.store_id AND o.event_id = x.event_id AND o.published_at IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Found:
    """What one reader has of one publisher's events."""

    publisher: str
    reader: str
    checked: int
    unread: int


async def reconcile(urls: Mapping[str, str], older_than_seconds: float = OLDER_THAN_SECONDS) -> list[Found]:
    """Compares all outboxes with all inboxes and has unread events published again."""
    async with AsyncExitStack() as stack:
        databases: dict[str, Any] = {}
        for context, url in urls.items():
            databases[context] = await asyncpg.connect(url)
            stack.push_async_callback(databases[context].close)
        subscribed = readers()
        found: list[Found] = []
        for publisher in dict.fromkeys(publisher for publisher, _ in subscribed):
            wanted = {reader: types for (other, reader), types in subscribed.items() if other == publisher}
            found += await _compare(databases, publisher, wanted, older_than_seconds)
        return found


async def _compare(
    databases: Mapping[str, Any], publisher: str, wanted: Mapping[str, Sequence[str]], older_than_seconds: float
) -> list[Found]:
    """One walk through a publisher's outbox; `wanted` are the event types of each of its readers."""
    checked, unread = dict.fromkeys(wanted, 0), dict.fromkeys(wanted, 0)
    types = sorted({event_type for those in wanted.values() for event_type in those})
    last: tuple[UUID, UUID] = (NIL, NIL)
    while batch := await databases[publisher].fetch(_PUBLISHED, *last, types, older_than_seconds, BATCH):
        again = set()
        for reader, those in wanted.items():
            sent = [row for row in batch if row["type"] in those]
            missing = await databases[reader].fetch(_UNREAD, *_columns(sent), NIL)
            again |= {(row["store_id"], row["event_id"]) for row in missing}
            checked[reader], unread[reader] = checked[reader] + len(sent), unread[reader] + len(missing)
        if again:
            await databases[publisher].execute(_AGAIN, [key[0] for key in again], [key[1] for key in again])
            await databases[publisher].execute(f"NOTIFY {CHANNEL}")
        last = (batch[-1]["store_id"], batch[-1]["event_id"])
    return [Found(publisher, reader, checked[reader], unread[reader]) for reader in wanted]


def _columns(rows: Sequence[Any]) -> tuple[list[UUID], list[UUID]]:
    return [row["store_id"] for row in rows], [row["event_id"] for row in rows]


def main() -> int:
    """Prints what was found. Exit status 0, or 2 when no databases are named."""
    parser = argparse.ArgumentParser(prog="python -m deploy.reconcile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--older-than", type=float, default=OLDER_THAN_SECONDS, metavar="SECONDS", help="default: %(default)g"
    )
    arguments = parser.parse_args()
    try:
        urls = database_urls()
    except DataFolderError as error:
        sys.stderr.write(f"reconcile: {error}\n")
        return 2
    found = asyncio.run(reconcile(urls, arguments.older_than))
    for one in found:
        print(f"{one.publisher} → {one.reader}: {one.checked:,} events checked, {one.unread:,} unread")
    if any(one.unread for one in found):
        print("what is unread is published again by the relays of its publishers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
