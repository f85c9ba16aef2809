"""MergeBatchService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import batches_pb2 as pb
from onefold.identity_merge.v1 import batches_pb2_grpc
from services.common import rpc
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.commands import Context, batches
from services.identity_merge.domain.batches import MOST_GROUPS, Batch, Group, GroupWish

GrpcContext = aio.ServicerContext[object, object]


class MergeBatchApi(batches_pb2_grpc.MergeBatchServiceServicer):
    """Many merges at once."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def CreateMergeBatch(
        self, request: pb.CreateMergeBatchRequest, _: GrpcContext
    ) -> pb.CreateMergeBatchResponse:
        wishes = [_wish(wish) for wish in request.groups[: MOST_GROUPS + 1]]
        once: Once[Batch] = rpc.once(request, lambda batch: pb.CreateMergeBatchResponse(batch=_message(batch)))
        batch = await batches.create_batch(self._context, rpc.caller(), once, wishes, start=request.start)
        return pb.CreateMergeBatchResponse(batch=_message(batch))

    async def ConfirmMergeBatch(
        self, request: pb.ConfirmMergeBatchRequest, _: GrpcContext
    ) -> pb.ConfirmMergeBatchResponse:
        batch_id = parse_id(request.batch_id, "batch_id")
        once: Once[Batch] = rpc.once(request, lambda batch: pb.ConfirmMergeBatchResponse(batch=_message(batch)))
        batch = await batches.confirm_batch(self._context, rpc.caller(), once, batch_id)
        return pb.ConfirmMergeBatchResponse(batch=_message(batch))

    async def GetMergeBatch(self, request: pb.GetMergeBatchRequest, _: GrpcContext) -> pb.GetMergeBatchResponse:
        batch_id = parse_id(request.batch_id, "batch_id")
        batch = await queries.get_batch(self._context.database, rpc.caller(), batch_id)
        return pb.GetMergeBatchResponse(batch=_message(batch))

    async def ListMergeBatches(
        self, request: pb.ListMergeBatchesRequest, _: GrpcContext
    ) -> pb.ListMergeBatchesResponse:
        page = request.page
        found = await queries.list_batches(self._context.database, rpc.caller(), page.size, page.token)
        return pb.ListMergeBatchesResponse(
            batches=[_message(batch) for batch in found.items], next_page_token=found.next_token
        )

    async def ListMergeGroups(self, request: pb.ListMergeGroupsRequest, _: GrpcContext) -> pb.ListMergeGroupsResponse:
        batch_id, page = parse_id(request.batch_id, "batch_id"), request.page
        found = await queries.list_groups(
            self._context.database, rpc.caller(), batch_id, page.size, page.token, failed_only=request.failed_only
        )
        return pb.ListMergeGroupsResponse(
            groups=[_group(group) for group in found.items], next_page_token=found.next_token
        )


def _wish(message: pb.MergeGroupWish) -> GroupWish:
    return GroupWish(
        message.primary_id, tuple(message.other_ids), message.points, message.expires_on, message.description
    )


def _message(batch: Batch) -> pb.MergeBatch:
    return pb.MergeBatch(
        batch_id=str(batch.batch_id),
        state=pb.MergeBatchState.ValueType(batch.state),
        total=batch.total,
        ready_count=batch.ready,
        merged_count=batch.merged,
        failed_count=batch.failed,
        requested_by=batch.requested_by,
        requested_at=timestamp(batch.requested_at),
        confirmed_by=batch.confirmed_by,
        confirmed_at=timestamp(batch.confirmed_at),
        finished_at=timestamp(batch.finished_at),
    )


def _group(group: Group) -> pb.MergeGroup:
    wish = group.wish
    return pb.MergeGroup(
        place=group.place,
        wish=pb.MergeGroupWish(
            primary_id=wish.primary_id,
            other_ids=wish.other_ids,
            points=wish.points,
            expires_on=wish.expires_on,
            description=wish.description,
        ),
        state=pb.MergeGroupState.ValueType(group.state),
        problems=[pb.MergeGroupProblem(field=p.field, reason=p.reason, params=p.params) for p in group.problems],
        warnings=group.warnings,
        primary_id=str(group.primary_id or ""),
        merged_ids=[str(i) for i in group.merged_ids],
        merge_run_id=str(group.merge_run_id or ""),
    )
