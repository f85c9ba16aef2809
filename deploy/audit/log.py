"""A: the audit log is whole: nothing in it was altered, put in, taken out or cut off (H1)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from deploy.audit.joins import Databases, Row, full_join
from deploy.audit.verdict import Verdict
from deploy.local.state import CONTEXTS
from onefold.common.v1.audit_pb2 import AuditNoted
from services.common.outbox import type_of
from services.common.wire import moment
from services.identity_merge.domain.audit import BEGINNING, Doing, Link, follow

_ENTRIES = """SELECT store_id, seq, hash, event_id, service, at, actor, action, subject_kind, subject_id, changes, request_id
 FROM audit_entries ORDER BY store_id, seq"""
_OF_SERVICE = """SELECT store_id, event_id, seq, at > now() - interval '6 days', event_id, service, at, actor, action, subject_kind,
  subject_id, changes, request_id FROM audit_entries WHERE service = $1 ORDER BY store_id, event_id"""
_NOTED = "SELECT store_id, event_id, payload FROM outbox WHERE type = $1 ORDER BY store_id, event_id"
_HASHES = "SELECT store_id, seq, hash FROM audit_entries ORDER BY store_id, seq"
_WITNESS = "SELECT store_id, seq, hash FROM audit_witness ORDER BY store_id, seq"


async def check_chain(databases: Databases) -> Verdict:
    """Each entry's hash is reckoned anew from what the entry says and the hash before it; the first of a store is number 1."""
    verdict = Verdict("A", "every entry of the audit log follows from the one before it, without a gap")
    store: UUID | None = None
    last = BEGINNING
    async for store_id, seq, digest, *rest in databases.stream("identity_merge", _ENTRIES):
        last = last if store_id == store else BEGINNING
        link, store = Link(seq, digest), store_id
        verdict.expect(follow(store_id, last, _doing(rest)).link == link, f"entry {seq} of store {store_id}")
        last = link  # so that one break is told once
    return verdict


async def check_witness(databases: Databases) -> Verdict:
    """What the log's ends were when orders was told of them they still are: a chain cut off, or reckoned anew as a whole, is not."""
    verdict = Verdict("A", "the audit log still has every hash that orders has seen")
    seen = databases.stream("orders", _WITNESS)
    kept = databases.stream("identity_merge", _HASHES)
    async for witnessed, entry in full_join(seen, kept, 2):
        if witnessed is not None:
            verdict.expect(entry == witnessed, f"entry {witnessed[1]} of store {witnessed[0]}")
    return verdict


async def check_noted(databases: Databases) -> Verdict:
    """What services noted and what was written down are the same, as long as their outboxes keep it (7 days)."""
    verdict = Verdict("A", "everything noted of late is in the audit log as it was noted, and nothing else is")
    for context in CONTEXTS:
        noted = databases.stream(context, _NOTED, type_of(AuditNoted, context))
        written = databases.stream("identity_merge", _OF_SERVICE, context)
        async for event, entry in full_join(noted, written, 2):
            holds = _agree(context, event, entry)
            verdict.expect(holds, f"event {(event or entry or ('', '?'))[1]} of {context}")
    return verdict


def _agree(context: str, event: Row | None, entry: Row | None) -> bool:
    """An old entry's event is gone; a young one without an event was never noted."""
    if entry is None or event is None:
        return entry is not None and not entry[3]
    return _doing(entry[4:]) == _told(context, event)


def _doing(columns: Any) -> Doing:
    event_id, service, at, actor, action, kind, subject, changes, request = columns
    told = tuple((field, before, after) for field, before, after in orjson.loads(changes))
    return Doing(event_id, service, at, actor, action, kind, subject, told, request)


def _told(context: str, event: Row) -> Doing:
    told = AuditNoted.FromString(event[2])
    return Doing(
        event[1],
        context,
        moment(told.at),
        told.actor,
        told.action,
        told.subject_kind,
        UUID(told.subject_id),
        tuple((each.field, each.before, each.after) for each in told.changes),
        told.request_id,
    )
