"""Many merges at once, as programs send and read them."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import (
    AnswerModel,
    Id,
    Json,
    PageQuery,
    QueryModel,
    RequestModel,
    Time,
    WholeNumber,
    when,
    when_set,
    word,
)
from gateway.merge_files import MOST_GROUPS, mend, state_word
from onefold.identity_merge.v1 import batches_pb2 as pb

_STATES: dict[int, str] = {
    number: name.removeprefix("MERGE_BATCH_STATE_").lower() for name, number in pb.MergeBatchState.items() if number
}


class MergeBatchPath(BaseModel):
    """Which batch."""

    batch_id: Id


class MergeGroupIn(RequestModel):
    """Accounts of one person, and points given or taken with the merge (F1, F2)."""

    primary_id: UUID = Field(description="The account that stays.")
    other_ids: list[UUID] = Field(
        description="1 to 4 accounts to be merged into it.", json_schema_extra={"minItems": 1, "maxItems": 4}
    )
    points: WholeNumber = 0
    expires_on: str = Field(default="", description="Last day of validity; an award needs it.", examples=["2027-03-31"])
    description: str = Field(default="", json_schema_extra={"maxLength": 500})

    def message(self) -> pb.MergeGroupWish:
        """For the service."""
        return pb.MergeGroupWish(
            primary_id=str(self.primary_id),
            other_ids=[str(other) for other in self.other_ids],
            points=str(self.points or ""),
            expires_on=self.expires_on,
            description=self.description,
        )


class MergeBatchIn(RequestModel):
    """Groups, each of which becomes a merge of its own."""

    groups: list[MergeGroupIn] = Field(json_schema_extra={"minItems": 1, "maxItems": MOST_GROUPS})
    start: bool = Field(
        default=False,
        description="Merge what is good as soon as all groups are checked. Without it the batch waits for `/confirm`.",
    )

    def message(self) -> pb.CreateMergeBatchRequest:
        """For the service."""
        return pb.CreateMergeBatchRequest(groups=[group.message() for group in self.groups], start=self.start)


class GroupsQuery(PageQuery):
    """Which groups."""

    failed_only: bool = Field(default=False, description="Only those that cannot be merged.")


class ReportQuery(QueryModel):
    """Which groups."""

    failed_only: bool = Field(default=False, description="Only those that cannot be merged.")


class MergeBatch(AnswerModel):
    """Many merges. The check and the merges go on by themselves."""

    batch_id: Id
    state: Literal["checking", "checked", "running", "done", "other"] = Field(
        description="In `checked` it waits to be confirmed, and nothing has changed."
    )
    total: int
    ready_count: int = Field(description="Groups that were found good and have not ended.")
    merged_count: int
    failed_count: int = Field(description="Groups that cannot be merged; nothing about their accounts has changed.")
    requested_by: str
    requested_at: Time
    confirmed_by: str | None
    confirmed_at: Time | None
    finished_at: Time | None


class MergeBatchList(AnswerModel):
    """Newest first."""

    items: list[MergeBatch]
    next_page_token: str | None


class MergeGroupProblem(AnswerModel):
    """One thing wrong with a group."""

    field: str = Field(description="As in the request, such as `other_ids[0]`; empty for the group as a whole.")
    reason: str = Field(description="Stable word; see the list of problems.")
    detail: str = Field(description="What to mend, in the language of Accept-Language (en or zh-Hant).")


class MergeGroup(AnswerModel):
    """What becomes of a group."""

    place: int = Field(description="From 1, in the order of the request.")
    state: Literal["waiting", "ready", "running", "merged", "failed", "other"]
    asked_ids: list[str] = Field(description="As they were sent, the primary first.")
    primary_id: Id | None = Field(
        description="The account behind the id that was sent, which may have been merged before (F10); null until checked."
    )
    merged_ids: list[Id]
    points: str
    expires_on: str
    description: str
    warnings: list[str]
    problems: list[MergeGroupProblem]
    merge_run_id: Id | None = Field(description="Its merge, under `/merges`, once that has begun.")


class MergeGroupList(AnswerModel):
    """In their places."""

    items: list[MergeGroup]
    next_page_token: str | None


def batch_json(batch: pb.MergeBatch) -> Json:
    """As in MergeBatch."""
    return {
        "batch_id": batch.batch_id,
        "state": word(batch.state, _STATES),
        "total": batch.total,
        "ready_count": batch.ready_count,
        "merged_count": batch.merged_count,
        "failed_count": batch.failed_count,
        "requested_by": batch.requested_by,
        "requested_at": when(batch.requested_at),
        "confirmed_by": batch.confirmed_by or None,
        "confirmed_at": when_set(batch, "confirmed_at"),
        "finished_at": when_set(batch, "finished_at"),
    }


def group_json(group: pb.MergeGroup) -> Json:
    """As in MergeGroup."""
    wish = group.wish
    return {
        "place": group.place,
        "state": state_word(group),
        "asked_ids": [wish.primary_id, *wish.other_ids],
        "primary_id": group.primary_id or None,
        "merged_ids": list(group.merged_ids),
        "points": wish.points,
        "expires_on": wish.expires_on,
        "description": wish.description,
        "warnings": list(group.warnings),
        "problems": [{"field": p.field, "reason": p.reason, "detail": mend(p)} for p in group.problems],
        "merge_run_id": group.merge_run_id or None,
    }
