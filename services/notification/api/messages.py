"""NotificationService of the contract."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.notification.v1 import service_pb2 as pb
from onefold.notification.v1 import service_pb2_grpc
from services.common import rpc
from services.common.database import Database
from services.common.errors import InvalidInput, PermissionDenied
from services.common.ids import parse_id
from services.notification import queries
from services.notification.events import to_proto

MOST_CUSTOMERS = 50
Context = aio.ServicerContext[object, object]


class NotificationApi(service_pb2_grpc.NotificationServiceServicer):
    """NotificationService of the contract."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ListMessages(self, request: pb.ListMessagesRequest, _: Context) -> pb.ListMessagesResponse:
        if rpc.caller().is_outsider and request.customer_ids:  # beside themselves
            raise PermissionDenied("permission_denied")
        page = await queries.list_messages(
            self._database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            _optional_id(request.order_id, "order_id"),
            _customers(request),
        )
        return pb.ListMessagesResponse(
            messages=[to_proto(message) for message in page.items], next_page_token=page.next_token
        )


def _customers(request: pb.ListMessagesRequest) -> list[UUID]:
    if len(request.customer_ids) > MOST_CUSTOMERS:
        raise InvalidInput.of("customer_ids", "too_large", largest=str(MOST_CUSTOMERS))
    alone = [parse_id(request.customer_id, "customer_id")] if request.customer_id else []
    return alone + [parse_id(text, f"customer_ids[{n}]") for n, text in enumerate(request.customer_ids)]


def _optional_id(text: str, field: str) -> UUID | None:
    return parse_id(text, field) if text else None
