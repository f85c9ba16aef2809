"""StaffService of the contract."""

from __future__ import annotations

from grpc import aio

from onefold.identity_merge.v1 import service_pb2, staff_pb2_grpc
from onefold.identity_merge.v1 import staff_pb2 as pb
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.identity_merge import queries
from services.identity_merge.commands import Context, entering, joining, myself, staff
from services.identity_merge.commands.entering import Entered
from services.identity_merge.domain.staff import Browser, Entry, Invitation, StaffSession
from services.identity_merge.events import staff_message, store_message

GrpcContext = aio.ServicerContext[object, object]


class StaffApi(staff_pb2_grpc.StaffServiceServicer):
    """Those who work for a store."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def ListStaff(self, request: pb.ListStaffRequest, _: GrpcContext) -> pb.ListStaffResponse:
        page = await queries.list_staff(self._context.database, rpc.caller(), request.page.size, request.page.token)
        return pb.ListStaffResponse(entries=map(_entry, page.items), next_page_token=page.next_token)

    async def GetStaff(self, request: pb.GetStaffRequest, _: GrpcContext) -> pb.GetStaffResponse:
        staff_id = parse_id(request.staff_id, "staff_id")
        entry = await queries.get_staff(self._context.database, rpc.caller(), staff_id)
        return pb.GetStaffResponse(entry=_entry(entry))

    async def InviteStaff(self, request: pb.InviteStaffRequest, _: GrpcContext) -> pb.InviteStaffResponse:
        entry = await staff.invite(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda entry: pb.InviteStaffResponse(entry=_entry(entry))),
            Invitation.read(request.email, request.name, request.role),
        )
        return pb.InviteStaffResponse(entry=_entry(entry))

    async def WithdrawInvitation(
        self, request: pb.WithdrawInvitationRequest, _: GrpcContext
    ) -> pb.WithdrawInvitationResponse:
        await staff.withdraw(self._context, rpc.caller(), parse_id(request.invitation_id, "invitation_id"))
        return pb.WithdrawInvitationResponse()

    async def IssueInvitation(self, request: pb.IssueInvitationRequest, _: GrpcContext) -> pb.IssueInvitationResponse:
        token = await joining.issue(self._context, rpc.caller(), parse_id(request.invitation_id, "invitation_id"))
        return pb.IssueInvitationResponse(needed=token is not None, token=token or "")

    async def ReadInvitation(self, request: pb.ReadInvitationRequest, _: GrpcContext) -> pb.ReadInvitationResponse:
        _token, store, found = await joining.read(self._context, request.token)
        return pb.ReadInvitationResponse(
            store=store_message(store),
            email=found.email,
            name=found.name,
            role=service_pb2.StaffRole.ValueType(found.role),
            reset=found.staff_id is not None,
        )

    async def AcceptInvitation(
        self, request: pb.AcceptInvitationRequest, _: GrpcContext
    ) -> pb.AcceptInvitationResponse:
        browser = Browser.read(request.agent, request.session_token)
        entered = await joining.accept(self._context, request.token, request.name, request.password, browser)
        return pb.AcceptInvitationResponse(session=entered_message(entered))

    async def RequestReset(self, request: pb.RequestResetRequest, _: GrpcContext) -> pb.RequestResetResponse:
        await joining.request_reset(self._context, request.store_slug, request.email, request.source)
        return pb.RequestResetResponse()

    async def ChangeStaff(self, request: pb.ChangeStaffRequest, _: GrpcContext) -> pb.ChangeStaffResponse:
        entry = await staff.change(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda entry: pb.ChangeStaffResponse(entry=_entry(entry))),
            parse_id(request.staff_id, "staff_id"),
            request.name,
            request.role,
        )
        return pb.ChangeStaffResponse(entry=_entry(entry))

    async def RemoveStaff(self, request: pb.RemoveStaffRequest, _: GrpcContext) -> pb.RemoveStaffResponse:
        await staff.remove(self._context, rpc.caller(), parse_id(request.staff_id, "staff_id"))
        return pb.RemoveStaffResponse()

    async def ResetTotp(self, request: pb.ResetTotpRequest, _: GrpcContext) -> pb.ResetTotpResponse:
        await staff.reset_totp(self._context, rpc.caller(), parse_id(request.staff_id, "staff_id"))
        return pb.ResetTotpResponse()

    async def GetMyself(self, request: pb.GetMyselfRequest, _: GrpcContext) -> pb.GetMyselfResponse:
        found = await queries.get_myself(self._context.database, rpc.caller(), request.session_token)
        return pb.GetMyselfResponse(
            staff=staff_message(found.member),
            totp=found.totp,
            recovery_codes_left=found.recovery_codes_left,
            sessions=map(_session, found.sessions),
        )

    async def ChangeMyName(self, request: pb.ChangeMyNameRequest, _: GrpcContext) -> pb.ChangeMyNameResponse:
        member = await myself.change_name(self._context, rpc.caller(), request.name)
        return pb.ChangeMyNameResponse(staff=staff_message(member))

    async def ChangeMyPassword(
        self, request: pb.ChangeMyPasswordRequest, _: GrpcContext
    ) -> pb.ChangeMyPasswordResponse:
        entered = await myself.change_password(
            self._context, rpc.caller(), request.session_token, request.current_password, request.new_password
        )
        return pb.ChangeMyPasswordResponse(session=entered_message(entered))

    async def EndMySessions(self, request: pb.EndMySessionsRequest, _: GrpcContext) -> pb.EndMySessionsResponse:
        ended = await myself.end_sessions(self._context, rpc.caller(), request.session_token, request.session_id)
        return pb.EndMySessionsResponse(ended=ended)

    async def BeginTotp(self, request: pb.BeginTotpRequest, _: GrpcContext) -> pb.BeginTotpResponse:
        new = await myself.begin_totp(self._context, rpc.caller(), request.password)
        return pb.BeginTotpResponse(secret=new.secret, uri=new.uri)

    async def ConfirmTotp(self, request: pb.ConfirmTotpRequest, _: GrpcContext) -> pb.ConfirmTotpResponse:
        codes = await myself.confirm_totp(self._context, rpc.caller(), request.code)
        return pb.ConfirmTotpResponse(recovery_codes=codes)

    async def EndTotp(self, request: pb.EndTotpRequest, _: GrpcContext) -> pb.EndTotpResponse:
        await myself.end_totp(self._context, rpc.caller(), request.password, request.code)
        return pb.EndTotpResponse()

    async def LogInWithTotp(self, request: pb.LogInWithTotpRequest, _: GrpcContext) -> pb.LogInWithTotpResponse:
        browser = Browser.read(request.agent, request.session_token)
        entered = await entering.log_in_with_totp(self._context, request.challenge, request.code, browser)
        return pb.LogInWithTotpResponse(session=entered_message(entered))


def entered_message(entered: Entered) -> service_pb2.LogInResponse:
    """A log-in for the wire: its session, or the challenge of its second step, which names nobody yet."""
    if entered.expires_at is None:
        return service_pb2.LogInResponse(totp_challenge=entered.token)
    return service_pb2.LogInResponse(
        session_token=entered.token,
        expires_at=timestamp(entered.expires_at),
        store=store_message(entered.store),
        staff=staff_message(entered.staff),
    )


def _entry(entry: Entry) -> pb.StaffEntry:
    shown = staff_message(entry.member)
    if entry.invitation_id:
        shown.staff_id = ""
    return pb.StaffEntry(
        staff=shown,
        invitation_id=str(entry.invitation_id or ""),
        expires_at=timestamp(entry.expires_at),
        joined_at=timestamp(entry.joined_at),
        last_seen=timestamp(entry.last_seen),
        totp=entry.totp,
    )


def _session(session: StaffSession) -> pb.StaffSession:
    return pb.StaffSession(
        session_id=str(session.session_id),
        created_at=timestamp(session.created_at),
        last_seen=timestamp(session.last_seen),
        expires_at=timestamp(session.expires_at),
        agent=session.agent,
        current=session.current,
    )
