"""AuditService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import audit_pb2 as pb
from onefold.identity_merge.v1 import audit_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import moment
from services.identity_merge import queries
from services.identity_merge.commands import Context
from services.identity_merge.domain.audit import AuditFilter
from services.identity_merge.events import entry_message

GrpcContext = aio.ServicerContext[object, object]


class AuditApi(audit_pb2_grpc.AuditServiceServicer):
    """What everybody did."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListAuditEntries(
        self, request: pb.ListAuditEntriesRequest, _: GrpcContext
    ) -> pb.ListAuditEntriesResponse:
        asked = AuditFilter.read(
            request.actor,
            request.action,
            parse_id(request.subject_id, "subject_id") if request.subject_id else None,
            moment(request.since) if request.HasField("since") else None,
            moment(request.before) if request.HasField("before") else None,
            request.words,
        )
        page = await queries.list_audit_entries(
            self._context.database, rpc.caller(), request.page.size, request.page.token, asked
        )
        return pb.ListAuditEntriesResponse(
            entries=[entry_message(found) for found in page.items], next_page_token=page.next_token
        )

    async def ListAuditActors(self, _request: pb.ListAuditActorsRequest, _: GrpcContext) -> pb.ListAuditActorsResponse:
        actors = await queries.list_audit_actors(self._context.database, rpc.caller())
        return pb.ListAuditActorsResponse(actors=[pb.AuditActor(actor=actor, name=name) for actor, name in actors])
