"""gRPC of LikenessService: request → query → response."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import likeness_pb2 as pb
from onefold.membership.v1 import likeness_pb2_grpc
from services.common import rpc
from services.common.identifiers import EMAIL, PHONE
from services.common.ids import parse_id
from services.common.wire import address_message
from services.membership import commands
from services.membership.domain import Likeness
from services.membership.queries import likeness as queries

Context = aio.ServicerContext[object, object]


class LikenessApi(likeness_pb2_grpc.LikenessServiceServicer):
    """LikenessService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def ListPeople(self, request: pb.ListPeopleRequest, _: Context) -> pb.ListPeopleResponse:
        after = parse_id(request.after_customer_id, "after_customer_id") if request.after_customer_id else None
        people, total = await queries.list_people(self._context.database, rpc.caller(), after, request.size)
        return pb.ListPeopleResponse(people=map(_message, people), members_total=total)


def _message(person: Likeness) -> pb.Person:
    return pb.Person(
        customer_id=str(person.customer_id),
        name=person.name,
        phones=[value for kind, value in person.identifiers if kind == PHONE],
        emails=[value for kind, value in person.identifiers if kind == EMAIL],
        birthday=person.birthday.isoformat() if person.birthday else "",
        addresses=map(address_message, person.addresses),
    )
