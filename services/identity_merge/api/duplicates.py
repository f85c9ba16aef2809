"""DuplicatesService of the contract."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from grpc import aio

from onefold.identity_merge.v1 import duplicates_pb2 as pb
from onefold.identity_merge.v1 import duplicates_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge.commands import Context, duplicates
from services.identity_merge.domain.duplicates import Pair, Scan, pair_of
from services.identity_merge.queries import duplicates as queries

GrpcContext = aio.ServicerContext[object, object]


class DuplicatesApi(duplicates_pb2_grpc.DuplicatesServiceServicer):
    """Accounts that may be one person's."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListDuplicates(self, request: pb.ListDuplicatesRequest, _: GrpcContext) -> pb.ListDuplicatesResponse:
        page = await queries.list_duplicates(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            customer_id=parse_id(request.customer_id, "customer_id") if request.customer_id else None,
            dismissed=request.state == pb.DUPLICATE_STATE_DISMISSED,
        )
        return pb.ListDuplicatesResponse(duplicates=map(_message, page.items), next_page_token=page.next_token)

    async def DismissDuplicate(
        self, request: pb.DismissDuplicateRequest, _: GrpcContext
    ) -> pb.DismissDuplicateResponse:
        pair = await duplicates.dismiss(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda pair: pb.DismissDuplicateResponse(duplicate=_message(pair))),
            pair_of(_ids(request.customer_ids)),
        )
        return pb.DismissDuplicateResponse(duplicate=_message(pair))

    async def RestoreDuplicate(
        self, request: pb.RestoreDuplicateRequest, _: GrpcContext
    ) -> pb.RestoreDuplicateResponse:
        pair = await duplicates.restore(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda pair: pb.RestoreDuplicateResponse(duplicate=_message(pair))),
            pair_of(_ids(request.customer_ids)),
        )
        return pb.RestoreDuplicateResponse(duplicate=_message(pair))

    async def GetDuplicateScan(
        self, _request: pb.GetDuplicateScanRequest, _: GrpcContext
    ) -> pb.GetDuplicateScanResponse:
        return pb.GetDuplicateScanResponse(
            scan=_scan_message(await queries.get_scan(self._context.database, rpc.caller()))
        )

    async def StartDuplicateScan(
        self, _request: pb.StartDuplicateScanRequest, _: GrpcContext
    ) -> pb.StartDuplicateScanResponse:
        return pb.StartDuplicateScanResponse(
            scan=_scan_message(await duplicates.want_scan(self._context, rpc.caller()))
        )


def _ids(texts: Sequence[str]) -> list[UUID]:
    return [parse_id(text, f"customer_ids[{place}]") for place, text in enumerate(texts)]


def _message(pair: Pair) -> pb.Duplicate:
    return pb.Duplicate(
        customer_ids=map(str, pair.customer_ids),
        score=pair.probability,
        reasons=pair.reasons,
        found_at=timestamp(pair.found_at),
        dismissed_at=timestamp(pair.dismissed_at),
        dismissed_by=pair.dismissed_by,
    )


def _scan_message(scan: Scan) -> pb.DuplicateScan:
    return pb.DuplicateScan(
        state=pb.DuplicateScanState.ValueType(scan.state),
        members_total=scan.members,
        members_read=scan.members_read,
        started_at=timestamp(scan.started_at),
        finished_at=timestamp(scan.finished_at),
        suggested_count=scan.suggested,
        attempts=scan.attempts,
    )
