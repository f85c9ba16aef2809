"""The audit log as CSV (H1)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response
from flask_babel import gettext as _

from gateway.clients import services
from gateway.exports import csv_response, pages_of, safe, zone_of_store
from onefold.common.v1.audit_pb2 import AuditChange
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import audit_pb2 as pb
from services.common.paging import LARGEST_SIZE

_Row = tuple[pb.AuditEntry, AuditChange]


def audit_csv(request: pb.ListAuditEntriesRequest) -> Response:
    """Entries as a file, newest first; a row for each change, or one for a deed of which no more is told. Raises the errors of the list."""
    zone = zone_of_store()
    request.page.CopyFrom(PageRequest(size=LARGEST_SIZE))
    pages = pages_of(services().audit.list_entries, request, lambda answer: answer.entries)
    return csv_response("audit", _header(), map(_rows, pages), lambda row: _cells(row, zone))


def _rows(entries: Sequence[pb.AuditEntry]) -> list[_Row]:
    def each() -> Iterator[_Row]:
        for entry in entries:
            yield from ((entry, change) for change in entry.changes or [AuditChange()])

    return list(each())


def _header() -> list[str]:
    return [
        *(_("No."), _("When"), _("Who"), _("Who (id)"), _("Action"), _("On what"), _("On what (id)")),
        *(_("Field"), _("From"), _("To"), _("Request"), _("Hash")),
    ]


def _cells(row: _Row, zone: ZoneInfo) -> list[Any]:
    entry, change = row
    at = datetime.fromtimestamp(entry.at.seconds, zone).strftime("%Y-%m-%d %H:%M:%S")
    texts = (entry.actor_name, entry.actor, entry.action, entry.subject_kind, entry.subject_id)
    more = (change.field, change.before, change.after, entry.request_id, entry.hash)
    return [entry.seq, at, *map(safe, (*texts, *more))]
