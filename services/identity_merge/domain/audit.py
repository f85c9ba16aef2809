"""The audit log as a chain: each entry's hash covers the entry and the hash before it, so none can be altered, put in or taken out
without all that follow showing it (H1).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from services.common.contact import clean_text
from services.common.errors import InvalidInput
from services.common.searching import fold

LONGEST_WORDS = 100
MOST_WORDS = 8
_LONGEST_ACTOR = 100
_ACTION = re.compile(r"[a-z_]{0,60}(\.[a-z_]{0,60})?")
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Link:
    """The place of an entry in its store's chain, from 1 on, and its hash. 0 and zeros are what the first one follows."""

    seq: int
    hash: bytes


BEGINNING = Link(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Doing:
    """What somebody did, as a service told it. `changes` are (field, before, after)."""

    event_id: UUID
    service: str
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: UUID
    changes: tuple[tuple[str, str, str], ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands in the log."""

    link: Link
    doing: Doing


def follow(store_id: UUID, last: Link, doing: Doing) -> Entry:
    """The entry that comes after `last`: its hash is SHA-256 over the former one (32 bytes) and the entry as a JSON array in UTF-8
    without blanks, its time in microseconds since 1970.
    """
    seq = last.seq + 1
    written = orjson.dumps(
        [
            str(store_id),
            seq,
            str(doing.event_id),
            doing.service,
            (doing.at - _EPOCH) // timedelta(microseconds=1),
            doing.actor,
            doing.action,
            doing.subject_kind,
            str(doing.subject_id),
            doing.changes,
            doing.request_id,
        ]
    )
    return Entry(Link(seq, hashlib.sha256(last.hash + written).digest()), doing)


def chain(store_id: UUID, last: Link, doings: Iterable[Doing]) -> list[Entry]:
    """Entries in the order given, each after the one before."""
    entries: list[Entry] = []
    for doing in doings:
        entries.append(follow(store_id, entries[-1].link if entries else last, doing))
    return entries


@dataclass(frozen=True, slots=True)
class Written:
    """An entry as it is read: with the name of whoever did it, where that is staff or an API key."""

    entry: Entry
    actor_name: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; empty and None ask for nothing. `words` are folded."""

    actor: str = ""
    action: str = ""
    subject_id: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None
    words: Sequence[str] = ()

    @classmethod
    def read(
        cls,
        actor: str,
        action: str,
        subject_id: UUID | None,
        since: datetime | None,
        before: datetime | None,
        words: str,
    ) -> AuditFilter:
        """From a request. Raises InvalidInput (too_long, unknown_value)."""
        if len(words) > LONGEST_WORDS:
            raise InvalidInput.of("words", "too_long", longest=str(LONGEST_WORDS))
        actor = clean_text(actor, "actor", _LONGEST_ACTOR)
        if not _ACTION.fullmatch(action):
            raise InvalidInput.of("action", "unknown_value")
        return cls(actor, action, subject_id, since, before, fold(words).split()[:MOST_WORDS])
