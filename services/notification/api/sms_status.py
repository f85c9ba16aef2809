"""SmsStatusService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.notification.v1 import service_pb2 as pb
from onefold.notification.v1 import service_pb2_grpc
from services.common.ids import parse_id
from services.notification.commands import Notices

Context = aio.ServicerContext[object, object]


class SmsStatusApi(service_pb2_grpc.SmsStatusServiceServicer):
    """What the SMS provider tells. Its signature is over the store's id, too, so the caller's claims name none."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices

    async def ReceiveSmsStatus(self, request: pb.ReceiveSmsStatusRequest, _: Context) -> pb.ReceiveSmsStatusResponse:
        await self._notices.receive(
            parse_id(request.store_id, "store_id"),
            parse_id(request.message_id, "message_id"),
            request.attempt,
            request.body,
            request.signature,
        )
        return pb.ReceiveSmsStatusResponse()
