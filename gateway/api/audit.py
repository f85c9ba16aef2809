"""/audit-entries: what everybody did (H1)."""

from __future__ import annotations

from uuid import UUID

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import Field

from gateway.api.base import CSV, blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import AnswerModel, Id, Json, PageQuery, QueryModel, Time, when
from gateway.api.order_lists import Day
from gateway.audit import audit_csv
from gateway.clients import services
from gateway.days import begin_of, end_of
from gateway.exports import zone_of_store
from onefold.identity_merge.v1 import audit_pb2 as pb
from services.common import permissions

_TAGS = [
    Tag(name="Audit log", description="Who changed what, when, from what, to what. Nothing in it is ever changed.")
]


class AuditFilter(QueryModel):
    """What entries must have in common; every part that is set narrows the list."""

    actor: str = Field(default="", description="Whole, as in entries: `staff:<id>`, `api_key:<id>`, `customer:<id>`.")
    action: str = Field(
        default="",
        description="A whole action, or up to its point: `order.` is whatever was done to orders.",
    )
    subject_id: UUID | None = Field(default=None, description="What it was done to: the id of an order, a customer …")
    day_from: Day = Field(default="", description="On this day of the store's time zone or later.")
    day_to: Day = Field(default="", description="On this day of the store's time zone or earlier.")
    query: str = Field(
        default="", description="Parts of words, each of which must be in the entry: in its ids, fields or values."
    )

    def message(self) -> pb.ListAuditEntriesRequest:
        """For the service. Raises InvalidInput (invalid_date)."""
        zone = zone_of_store()
        return pb.ListAuditEntriesRequest(
            actor=self.actor,
            action=self.action,
            subject_id=str(self.subject_id or ""),
            since=begin_of(self.day_from, zone, "day_from"),
            before=end_of(self.day_to, zone, "day_to"),
            words=self.query,
        )


class AuditQuery(AuditFilter, PageQuery):
    """A page of a list. A `page_token` belongs to one filter."""

    def message(self) -> pb.ListAuditEntriesRequest:
        """For the service. Raises InvalidInput (invalid_date)."""
        asked = super().message()
        asked.page.CopyFrom(self.page())
        return asked


class AuditChange(AnswerModel):
    """One field, from what to what; empty for nothing. Of customers' personal data a mask alone, such as `••• 53`."""

    field: str
    before: str
    after: str


class AuditEntry(AnswerModel):
    """One thing that somebody did."""

    seq: int = Field(description="Its place in the store's log, from 1 on without a gap.")
    at: Time
    service: str
    actor: str
    actor_name: str = Field(description="Of staff and API keys, as it is now; else empty.")
    action: str = Field(description="Such as `order.refunded`.")
    subject_kind: str
    subject_id: Id
    changes: list[AuditChange]
    request_id: str
    hash: str = Field(
        description="SHA-256 over the hash before it and this entry. Who keeps one can show later whether anything up to it was altered."
    )


class AuditEntryList(AnswerModel):
    """A page of entries, newest first."""

    items: list[AuditEntry]
    next_page_token: str | None


@blueprint.get("/audit-entries", tags=_TAGS, responses={200: AuditEntryList})
@checked(permissions.AUDIT_READ)
def list_audit_entries(query: AuditQuery) -> Response:
    """Who changed what, newest first (H1)"""
    found = services().audit.list_entries(query.message())
    entries = [entry_json(entry) for entry in found.entries]
    return answer({"items": entries, "next_page_token": found.next_page_token or None})


@blueprint.get("/audit-entries/export.csv", tags=_TAGS, responses={200: CSV})
@checked(permissions.AUDIT_READ)
def export_audit_entries(query: AuditFilter) -> Response:
    """Export entries as CSV

    A row for each change of a field, so that an entry may have several. Text that a spreadsheet would take for a formula has an apostrophe
    in front.
    """
    return audit_csv(query.message())


def entry_json(entry: pb.AuditEntry) -> Json:
    """As in AuditEntry."""
    names = ("seq", "service", "actor", "actor_name", "action", "subject_kind", "subject_id", "request_id", "hash")
    changes = [{"field": c.field, "before": c.before, "after": c.after} for c in entry.changes]
    return {"at": when(entry.at), "changes": changes} | {name: getattr(entry, name) for name in names}
