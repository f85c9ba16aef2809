"""gRPC of RegistrationService: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import registration_pb2 as pb
from onefold.membership.v1 import registration_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.membership import commands
from services.membership.domain import Asked, Use
from services.membership.queries import profiles as queries

Context = aio.ServicerContext[object, object]


class RegistrationApi(registration_pb2_grpc.RegistrationServiceServicer):
    """RegistrationService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def RegisterMember(self, request: pb.RegisterMemberRequest, _: Context) -> pb.RegisterMemberResponse:
        outcome, member_id = await commands.register_member(self._context, rpc.caller().store, _asked(request))
        return pb.RegisterMemberResponse(
            outcome=pb.RegisterOutcome.ValueType(outcome), customer_id=str(member_id) if member_id else ""
        )

    async def AddIdentifier(self, request: pb.AddIdentifierRequest, _: Context) -> pb.AddIdentifierResponse:
        outcome, customer_id, version = await commands.add_identifier(
            self._context,
            rpc.caller().store,
            parse_id(request.customer_id, "customer_id"),
            request.identifier.kind,
            request.identifier.value,
        )
        return pb.AddIdentifierResponse(
            outcome=pb.AddOutcome.ValueType(outcome), customer_id=str(customer_id), version=version
        )

    async def GetConsents(self, request: pb.GetConsentsRequest, _: Context) -> pb.GetConsentsResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        uses, changes = await queries.get_uses(self._context.database, rpc.caller(), customer_id)
        return pb.GetConsentsResponse(consents=map(_use_message, uses), changes=map(_use_message, changes))

    async def SetConsents(self, request: pb.SetConsentsRequest, _: Context) -> pb.SetConsentsResponse:
        uses = await commands.set_uses(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda uses: pb.SetConsentsResponse(consents=map(_use_message, uses))),
            parse_id(request.customer_id, "customer_id"),
            [(use.kind, use.given) for use in request.consents],
        )
        return pb.SetConsentsResponse(consents=map(_use_message, uses))


def _use_message(use: Use) -> pb.UseConsent:
    return pb.UseConsent(kind=use.kind, given=use.given, at=timestamp(use.at), actor=use.actor, via=use.via)


def _asked(request: pb.RegisterMemberRequest) -> Asked:
    return Asked(
        customer_id=parse_id(request.customer_id, "customer_id"),
        name=request.name,
        birthday=request.birthday,
        language=request.language,
        identifiers=[(each.kind, each.value) for each in request.identifiers],
        consents=list(request.consents),
        source=request.source,
    )
