"""/merges: plan, check, commit, watch (F)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway import merge_plans
from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import Id, IdempotencyHeader
from gateway.api.merge_models import (
    Merge,
    MergeIn,
    MergeList,
    MergeRecord,
    MergesQuery,
    Plan,
    PlanIn,
    merge_json,
    plan_json,
    record_json,
)
from gateway.auth import principal
from gateway.clients import services
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import merging_pb2 as merging
from services.common import permissions

_TAGS = [Tag(name="Merges", description="Folding several accounts of one person into one.")]


class MergePath(BaseModel):
    """Which merge."""

    merge_run_id: Id


@blueprint.post("/merges/plans", tags=_TAGS, responses={201: Plan})
@checked(permissions.MERGES_WRITE)
def plan_merge(header: IdempotencyHeader, body: PlanIn) -> Response:
    """Plan a merge: see what it would do before anything happens (F4, F8)"""
    request = pb.PlanMergeRequest(
        customer_ids=[str(customer_id) for customer_id in body.customer_ids],
        primary_id=str(body.primary_id),
        adjustment=body.adjustment.message() if body.adjustment else None,
    )
    plan = merge_plans.plan(request, header.idempotency_key)
    return answer(plan_json(plan, principal().store.currency), 201)


@blueprint.post("/merges", tags=_TAGS, responses={202: Merge})
@checked(permissions.MERGES_WRITE)
def commit_merge(header: IdempotencyHeader, body: MergeIn) -> Response:
    """Start the planned merge; it cannot be undone, and finishes by itself (F9)

    Refused with `stale_plan` when one of the accounts has changed since: plan again, and check again.
    """
    request = pb.CommitMergeRequest(plan_id=str(body.plan_id), plan_hash=body.plan_hash)
    run = services().merges.commit(request, key=header.idempotency_key).run
    return created(merge_json(run), f"{PREFIX}/merges/{run.merge_run_id}", 202)


@blueprint.get("/merges/<merge_run_id>", tags=_TAGS, responses={200: Merge})
@checked(permissions.MEMBERS_READ)
def get_merge(path: MergePath) -> Response:
    """Watch a merge"""
    return answer(merge_json(services().merges.get(pb.GetMergeRequest(merge_run_id=path.merge_run_id)).run))


@blueprint.get("/merges/<merge_run_id>/record", tags=_TAGS, responses={200: MergeRecord})
@checked(permissions.MEMBERS_READ)
def get_merge_record(path: MergePath) -> Response:
    """Read what a merge did: what came from whom, kept for good (F13)

    Not there until the accounts are one; merges of before records were kept have none.
    """
    record = services().merging.get_record(merging.GetMergeRecordRequest(merge_run_id=path.merge_run_id)).record
    run = services().merges.get(pb.GetMergeRequest(merge_run_id=path.merge_run_id)).run
    return answer(record_json(record, run))


@blueprint.get("/merges", tags=_TAGS, responses={200: MergeList})
@checked(permissions.MEMBERS_READ)
def list_merges(query: MergesQuery) -> Response:
    """List merges, newest first"""
    customer_id = str(query.customer_id) if query.customer_id else ""
    found = services().merges.list(pb.ListMergesRequest(page=query.page(), customer_id=customer_id))
    return answer({"items": [merge_json(run) for run in found.runs], "next_page_token": found.next_page_token or None})
