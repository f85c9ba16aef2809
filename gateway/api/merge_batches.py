"""/merge-batches: many merges at once; each group is a merge of its own (F1, F9)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway import merge_files
from gateway.api.base import CSV, PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader, PageQuery
from gateway.api.merge_batch_models import (
    GroupsQuery,
    MergeBatch,
    MergeBatchIn,
    MergeBatchList,
    MergeBatchPath,
    MergeGroupList,
    ReportQuery,
    batch_json,
    group_json,
)
from gateway.clients import services
from onefold.identity_merge.v1 import batches_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Many merges", description="A list of groups, each of which is checked and merged by itself.")]


@blueprint.post("/merge-batches", tags=_TAGS, responses={202: MergeBatch})
@checked(permissions.MERGES_WRITE)
def create_merge_batch(header: IdempotencyHeader, body: MergeBatchIn) -> Response:
    """Check many groups, and merge them at once or once confirmed

    Each group is checked by itself; what is wrong with one is at `/groups` and stops no other. Of two groups that name one account the
    first has it. A group whose accounts change between check and merge fails with `stale_plan`.
    """
    batch = services().merge_batches.create(body.message(), key=header.idempotency_key).batch
    return created(batch_json(batch), f"{PREFIX}/merge-batches/{batch.batch_id}", 202)


@blueprint.get("/merge-batches", tags=_TAGS, responses={200: MergeBatchList})
@checked(permissions.MEMBERS_READ)
def list_merge_batches(query: PageQuery) -> Response:
    """List batches, newest first"""
    found = services().merge_batches.list(pb.ListMergeBatchesRequest(page=query.page()))
    items = [batch_json(batch) for batch in found.batches]
    return answer({"items": items, "next_page_token": found.next_page_token or None})


@blueprint.get("/merge-batches/<batch_id>", tags=_TAGS, responses={200: MergeBatch})
@checked(permissions.MEMBERS_READ)
def get_merge_batch(path: MergeBatchPath) -> Response:
    """Watch a batch; `done` is its end"""
    found = services().merge_batches.get(pb.GetMergeBatchRequest(batch_id=path.batch_id))
    return answer(batch_json(found.batch))


@blueprint.post("/merge-batches/<batch_id>/confirm", tags=_TAGS, responses={202: MergeBatch})
@checked(permissions.MERGES_WRITE)
def confirm_merge_batch(header: IdempotencyHeader, path: MergeBatchPath) -> Response:
    """Merge the groups that the check found good; this cannot be undone, and finishes by itself (F9)

    409 `merge_batch_not_checked`: look again in a moment; `merge_batch_confirmed`: it is under way, or done. A check is good for a day.
    """
    wish = pb.ConfirmMergeBatchRequest(batch_id=path.batch_id)
    batch = services().merge_batches.confirm(wish, key=header.idempotency_key).batch
    return created(batch_json(batch), f"{PREFIX}/merge-batches/{batch.batch_id}", 202)


@blueprint.get("/merge-batches/<batch_id>/groups", tags=_TAGS, responses={200: MergeGroupList})
@checked(permissions.MEMBERS_READ)
def list_merge_groups(path: MergeBatchPath, query: GroupsQuery) -> Response:
    """List the groups with what became of them, or what to mend"""
    found = services().merge_batches.list_groups(
        pb.ListMergeGroupsRequest(batch_id=path.batch_id, page=query.page(), failed_only=query.failed_only)
    )
    items = [group_json(group) for group in found.groups]
    return answer({"items": items, "next_page_token": found.next_page_token or None})


@blueprint.get("/merge-batches/<batch_id>/report.csv", tags=_TAGS, responses={200: CSV})
@checked(permissions.MEMBERS_READ)
def get_merge_report(path: MergeBatchPath, query: ReportQuery) -> Response:
    """Download the groups as CSV, each with its result and what to mend; the console takes the file as it is"""
    return merge_files.report(path.batch_id, failed_only=query.failed_only)
