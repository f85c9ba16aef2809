"""MergeService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import service_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.commands import Context, merges
from services.identity_merge.domain.merges import Adjustment, MergeRequest
from services.identity_merge.events import adjustment_message, login_message, run_message

GrpcContext = aio.ServicerContext[object, object]


class MergeApi(service_pb2_grpc.MergeServiceServicer):
    """Folding several accounts of one person into one."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def PlanMerge(self, request: pb.PlanMergeRequest, _: GrpcContext) -> pb.PlanMergeResponse:
        asked = request.adjustment
        wanted = MergeRequest.read(
            request.customer_ids,
            request.primary_id,
            Adjustment(asked.points, asked.expires_on, asked.description),
        )
        proposal = await merges.plan_merge(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda proposal: pb.PlanMergeResponse(plan=_plan_message(proposal))),
            wanted,
        )
        return pb.PlanMergeResponse(plan=_plan_message(proposal))

    async def CommitMerge(self, request: pb.CommitMergeRequest, _: GrpcContext) -> pb.CommitMergeResponse:
        run = await merges.commit_merge(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda run: pb.CommitMergeResponse(run=run_message(run))),
            parse_id(request.plan_id, "plan_id"),
            request.plan_hash,
        )
        return pb.CommitMergeResponse(run=run_message(run))

    async def GetMerge(self, request: pb.GetMergeRequest, _: GrpcContext) -> pb.GetMergeResponse:
        run = await queries.get_merge(
            self._context.database, rpc.caller(), parse_id(request.merge_run_id, "merge_run_id")
        )
        return pb.GetMergeResponse(run=run_message(run))

    async def ListMerges(self, request: pb.ListMergesRequest, _: GrpcContext) -> pb.ListMergesResponse:
        page = await queries.list_merges(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            parse_id(request.customer_id, "customer_id") if request.customer_id else None,
        )
        return pb.ListMergesResponse(runs=[run_message(run) for run in page.items], next_page_token=page.next_token)


def _plan_message(proposal: merges.Proposal) -> pb.MergePlan:
    plan = proposal.plan
    return pb.MergePlan(
        plan_id=str(plan.plan_id),
        plan_hash=plan.plan_hash,
        primary_id=str(plan.request.primary_id),
        merged_ids=[str(i) for i in plan.request.merged_ids],
        adjustment=adjustment_message(plan.request.adjustment),
        preview=proposal.preview.message,
        orders=proposal.orders.messages,
        relink=proposal.relink.message,
        logins=[login_message(method) for method in proposal.logins],
        expires_at=timestamp(plan.expires_at),
    )
