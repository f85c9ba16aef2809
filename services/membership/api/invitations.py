"""gRPC of InvitationsService: request → command or query → response."""

from __future__ import annotations

from collections.abc import Sequence

from grpc import aio

from onefold.membership.v1 import invitations_pb2 as pb
from onefold.membership.v1 import invitations_pb2_grpc
from services.common import rpc
from services.common.contact import clean_text
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.searching import LONGEST_QUERY
from services.common.wire import timestamp
from services.membership import commands
from services.membership.api.messages import customer_message
from services.membership.domain import (
    INVITED_LATELY,
    Invitation,
    InvitationOutcome,
    InvitationRun,
    Invitee,
)
from services.membership.queries import invitations as queries

Context = aio.ServicerContext[object, object]


class InvitationsApi(invitations_pb2_grpc.InvitationsServiceServicer):
    """InvitationsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def ListInvitees(self, request: pb.ListInviteesRequest, _: Context) -> pb.ListInviteesResponse:
        page = await queries.list_invitees(
            self._context.database,
            self._context.hasher,
            rpc.caller(),
            request.page.size,
            request.page.token,
            _query(request.query),
        )
        return pb.ListInviteesResponse(
            invitees=[_invitee_message(each) for each in page.items], next_page_token=page.next_token
        )

    async def CountInvitees(self, request: pb.CountInviteesRequest, _: Context) -> pb.CountInviteesResponse:
        count, more = await queries.count_invitees(
            self._context.database, self._context.hasher, rpc.caller(), _query(request.query)
        )
        return pb.CountInviteesResponse(count=count, more=more)

    async def InviteGuests(self, request: pb.InviteGuestsRequest, _: Context) -> pb.InviteGuestsResponse:
        once: Once[Sequence[InvitationOutcome]] = rpc.once(request, _outcomes)
        ids = [parse_id(text, f"customer_ids[{n}]") for n, text in enumerate(request.customer_ids)]
        return _outcomes(await commands.invite_guests(self._context, rpc.caller(), once, ids, request.greeting))

    async def InviteAllGuests(self, request: pb.InviteAllGuestsRequest, _: Context) -> pb.InviteAllGuestsResponse:
        once: Once[InvitationRun] = rpc.once(request, lambda run: pb.InviteAllGuestsResponse(run=_run_message(run)))
        query = _query(request.query)
        run = await commands.invite_all(self._context, rpc.caller(), once, query, request.greeting)
        return pb.InviteAllGuestsResponse(run=_run_message(run))

    async def GetInvitationRun(self, request: pb.GetInvitationRunRequest, _: Context) -> pb.GetInvitationRunResponse:
        run_id = parse_id(request.run_id, "run_id")
        run = await queries.get_invitation_run(self._context.database, rpc.caller(), run_id)
        return pb.GetInvitationRunResponse(run=_run_message(run))

    async def ListInvitations(self, request: pb.ListInvitationsRequest, _: Context) -> pb.ListInvitationsResponse:
        found = await queries.list_invitations(
            self._context.database, rpc.caller(), request.page.size, request.page.token
        )
        return pb.ListInvitationsResponse(
            invitations=[_invitation_message(each) for each in found.page.items],
            next_page_token=found.page.next_token,
            invited_count=found.invited,
            accepted_count=found.accepted,
        )


def _query(text: str) -> str:
    """Raises InvalidInput (too_long)."""
    return clean_text(text, "query", LONGEST_QUERY)


def _invitee_message(invitee: Invitee) -> pb.Invitee:
    return pb.Invitee(
        customer=customer_message(invitee.customer),
        last_order_at=timestamp(invitee.last_order_at),
        last=_invitation_message(invitee.last) if invitee.last else None,
        refusal=invitee.refusal,
        address_digest=invitee.digest,
        again_at=timestamp(invitee.last.again_at if invitee.last and invitee.refusal == INVITED_LATELY else None),
    )


def _outcomes(outcomes: Sequence[InvitationOutcome]) -> pb.InviteGuestsResponse:
    return pb.InviteGuestsResponse(
        outcomes=[
            pb.InvitationOutcome(
                customer_id=str(each.customer_id),
                refusal=each.refusal,
                again_at=timestamp(each.again_at),
                invitation=_invitation_message(each.invitation) if each.invitation else None,
            )
            for each in outcomes
        ]
    )


def _invitation_message(invitation: Invitation) -> pb.Invitation:
    return pb.Invitation(
        invitation_id=str(invitation.invitation_id),
        customer_id=str(invitation.customer_id),
        name=invitation.name,
        email=invitation.email,
        invited_at=timestamp(invitation.invited_at),
        invited_by=invitation.invited_by,
        times=invitation.times,
        accepted_at=timestamp(invitation.accepted_at),
        accepted_by=str(invitation.accepted_by) if invitation.accepted_by else "",
    )


def _run_message(run: InvitationRun) -> pb.InvitationRun:
    return pb.InvitationRun(
        run_id=str(run.run_id),
        state=pb.InvitationRunState.ValueType(run.state),
        total=run.total,
        done=run.done,
        invited=run.invited,
        refused=[pb.RefusalCount(refusal=reason, count=count) for reason, count in sorted(run.refused.items())],
        query=run.query,
        requested_by=run.requested_by,
        requested_at=timestamp(run.requested_at),
        finished_at=timestamp(run.finished_at),
    )
