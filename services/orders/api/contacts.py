"""How to reach customers, as their orders say: request → query → response."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import contacts_pb2 as pb
from onefold.orders.v1 import contacts_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.orders import commands, queries

Context = aio.ServicerContext[object, object]


class ContactsApi(contacts_pb2_grpc.ContactsServiceServicer):
    """ContactsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def ListContacts(self, request: pb.ListContactsRequest, _: Context) -> pb.ListContactsResponse:
        ids = [parse_id(text, f"customer_ids[{n}]") for n, text in enumerate(request.customer_ids)]
        found = await queries.list_contacts(self._context.database, rpc.caller(), ids)
        return pb.ListContactsResponse(
            customers=[pb.CustomerContacts(customer_id=str(who), values=values) for who, values in found.items()]
        )
