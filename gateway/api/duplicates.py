"""/duplicates: accounts that may be one person's, and "not the same person" (F12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import Field

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import (
    AnswerModel,
    Id,
    IdempotencyHeader,
    Json,
    PageQuery,
    RequestModel,
    Time,
    when,
    when_set,
    word,
)
from gateway.clients import services
from onefold.identity_merge.v1 import duplicates_pb2 as pb
from onefold.membership.v1 import service_pb2 as membership
from services.common import permissions

_TAGS = [Tag(name="Likely duplicates", description="Accounts that may belong to one person, with a score and reasons.")]
_STATES = {"suggested": pb.DUPLICATE_STATE_SUGGESTED, "dismissed": pb.DUPLICATE_STATE_DISMISSED}
_SCAN_STATES: dict[int, str] = {
    pb.DUPLICATE_SCAN_STATE_NEVER: "never",
    pb.DUPLICATE_SCAN_STATE_WAITING: "waiting",
    pb.DUPLICATE_SCAN_STATE_RUNNING: "running",
    pb.DUPLICATE_SCAN_STATE_DONE: "done",
}


class DuplicatesQuery(PageQuery):
    """Which pairs. A `page_token` belongs to one `state`."""

    customer_id: UUID | None = Field(default=None, description="Pairs with this customer.")
    state: Literal["suggested", "dismissed"] = "suggested"


class PairIn(RequestModel):
    """Two accounts."""

    customer_ids: Annotated[list[UUID], Field(min_length=2, max_length=2)]

    def asked(self) -> str:
        """What a repeat is known by, whomever the accounts have been merged into since (E7)."""
        return ",".join(map(str, self.customer_ids))


class Duplicate(AnswerModel):
    """Two accounts that may be one person's."""

    customer_ids: list[Id]
    score: float = Field(description="Probability, 0.9 to 1.")
    reasons: list[str] = Field(description="Why, such as `name_script` or `birthday_same`. More may come.")
    found_at: Time
    dismissed_at: Time | None = Field(description="When somebody said that they are two people.")
    dismissed_by: str | None


class DuplicateList(AnswerModel):
    """The likeliest first; dismissed ones the latest first."""

    items: list[Duplicate]
    next_page_token: str | None


class DuplicateScan(AnswerModel):
    """A look through the whole store."""

    state: Literal["never", "waiting", "running", "done", "other"]
    members_total: int
    members_read: int
    started_at: Time | None
    finished_at: Time | None
    suggested_count: int = Field(description="Pairs suggested at this moment, counted up to 10,000.")


@blueprint.get("/duplicates", tags=_TAGS, responses={200: DuplicateList})
@checked(permissions.MEMBERS_READ)
def list_duplicates(query: DuplicatesQuery) -> Response:
    """List likely duplicates (F12)"""
    customer_id = _living([query.customer_id])[0] if query.customer_id else ""
    wish = pb.ListDuplicatesRequest(page=query.page(), customer_id=customer_id, state=_STATES[query.state])
    found = services().duplicates.list(wish)
    return answer(
        {"items": [_json(pair) for pair in found.duplicates], "next_page_token": found.next_page_token or None}
    )


@blueprint.post("/duplicates/dismissals", tags=_TAGS, responses={200: Duplicate})
@checked(permissions.MERGES_WRITE)
def dismiss_duplicate(header: IdempotencyHeader, body: PairIn) -> Response:
    """Say that two accounts are not the same person (F12)

    The pair is suggested no more, until name, birthday, a phone or an e-mail of one of the two changes. Refused with
    `duplicate_not_found` when it is not suggested (any more). The id of a merged account stands for the one that it became.
    """
    wish = pb.DismissDuplicateRequest(customer_ids=_living(body.customer_ids))
    found = services().duplicates.dismiss(wish, key=header.idempotency_key, asked=body.asked())
    return answer(_json(found.duplicate))


@blueprint.post("/duplicates/restorations", tags=_TAGS, responses={200: Duplicate})
@checked(permissions.MERGES_WRITE)
def restore_duplicate(header: IdempotencyHeader, body: PairIn) -> Response:
    """Take back that two accounts are not the same person (F12)"""
    wish = pb.RestoreDuplicateRequest(customer_ids=_living(body.customer_ids))
    found = services().duplicates.restore(wish, key=header.idempotency_key, asked=body.asked())
    return answer(_json(found.duplicate))


@blueprint.get("/duplicates/scan", tags=_TAGS, responses={200: DuplicateScan})
@checked(permissions.MEMBERS_READ)
def get_duplicate_scan() -> Response:
    """See how far the store is looked through"""
    return answer(_scan_json(services().duplicates.get_scan(pb.GetDuplicateScanRequest()).scan))


@blueprint.post("/duplicates/scan", tags=_TAGS, responses={202: DuplicateScan})
@checked(permissions.MERGES_WRITE)
def start_duplicate_scan(header: IdempotencyHeader) -> Response:
    """Have the store looked through soon

    It is by itself, too, within the hour after members have come or changed. While a scan waits or runs, asking again changes nothing.
    """
    started = services().duplicates.start_scan(pb.StartDuplicateScanRequest(), key=header.idempotency_key)
    return answer(_scan_json(started.scan), 202)


def _json(pair: pb.Duplicate) -> Json:
    return {
        "customer_ids": list(pair.customer_ids),
        "score": pair.score,
        "reasons": list(pair.reasons),
        "found_at": when(pair.found_at),
        "dismissed_at": when_set(pair, "dismissed_at"),
        "dismissed_by": pair.dismissed_by or None,
    }


def _scan_json(scan: pb.DuplicateScan) -> Json:
    return {
        "state": word(scan.state, _SCAN_STATES),
        "members_total": scan.members_total,
        "members_read": scan.members_read,
        "started_at": when_set(scan, "started_at"),
        "finished_at": when_set(scan, "finished_at"),
        "suggested_count": scan.suggested_count,
    }


def _living(ids: Sequence[UUID]) -> list[str]:
    """The accounts behind ids of any age (F10); an id that is nobody's stays as it is, and finds nothing."""
    asked = [str(each) for each in ids]
    found = services().membership.get_customers(membership.GetCustomersRequest(customer_ids=asked)).found
    living = {each.asked_id: each.customer.customer_id for each in found}
    return [living.get(each, each) for each in asked]
