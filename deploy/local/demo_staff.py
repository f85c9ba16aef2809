"""Staff of the demo store besides its owner, one of each role, so that roles can be tried."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass

import grpc

from deploy.local.state import DataFolder, RunningStack
from onefold.identity_merge.v1 import service_pb2, service_pb2_grpc, staff_pb2, staff_pb2_grpc
from services.common.tokens import ServiceClaims, TokenSigner

_SECONDS = 10
_TRIES = 5
_NOBODY = ServiceClaims("customer:", "public")


@dataclass(frozen=True, slots=True)
class Colleague:
    """One of them; the address is <role>@demo.example."""

    role: str
    name: str

    @property
    def email(self) -> str:
        """What they log in by."""
        return f"{self.role}@demo.example"

    def password(self, data: DataFolder) -> str:
        """Made at random for this data folder."""
        return data.secret(f"{self.role}_password", lambda: secrets.token_urlsafe(12))


COLLEAGUES = (
    Colleague("manager", "陳經理 Manager"),
    Colleague("cashier", "李小姐 Cashier"),
    Colleague("support", "黃先生 Support"),
)


def ensure(running: RunningStack, slug: str, owner_email: str, owner_password: str) -> None:
    """Has those join who are not there. Raises grpc.RpcError."""
    maker = _Maker(TokenSigner(running.service_key), DataFolder(running.data))
    with grpc.insecure_channel(running.targets["identity_merge"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        maker.work(channel, service_pb2.LogInRequest(store_slug=slug, email=owner_email, password=owner_password))


class _Maker:
    def __init__(self, signer: TokenSigner, data: DataFolder) -> None:
        self._signer, self._data = signer, data

    def work(self, channel: grpc.Channel, log_in: service_pb2.LogInRequest) -> None:
        access, staff = service_pb2_grpc.AccessServiceStub(channel), staff_pb2_grpc.StaffServiceStub(channel)
        session = access.LogIn(log_in, timeout=_SECONDS, metadata=self._metadata(_NOBODY))
        if session.totp_challenge:
            return  # whoever has turned that on has looked around before
        owner = ServiceClaims(f"staff:{session.staff.staff_id}", "owner", session.store.store_id)
        listed = staff.ListStaff(staff_pb2.ListStaffRequest(), timeout=_SECONDS, metadata=self._metadata(owner))
        there = {entry.staff.email for entry in listed.entries if entry.staff.staff_id}
        for colleague in COLLEAGUES:
            if colleague.email not in there:
                self._join(staff, owner, colleague)
        end = service_pb2.LogOutRequest(session_token=session.session_token)
        access.LogOut(end, timeout=_SECONDS, metadata=self._metadata(_NOBODY))

    def _join(self, staff: staff_pb2_grpc.StaffServiceStub, owner: ServiceClaims, colleague: Colleague) -> None:
        role = service_pb2.StaffRole.Value(f"STAFF_ROLE_{colleague.role.upper()}")
        wish = staff_pb2.InviteStaffRequest(email=colleague.email, name=colleague.name, role=role)
        made = staff.InviteStaff(wish, timeout=_SECONDS, metadata=self._metadata(owner)).entry
        service = ServiceClaims("service:local", "service", owner.store_id)
        for last in (False,) * (_TRIES - 1) + (True,):
            issue = staff_pb2.IssueInvitationRequest(invitation_id=made.invitation_id)
            token = staff.IssueInvitation(issue, timeout=_SECONDS, metadata=self._metadata(service)).token
            acceptance = staff_pb2.AcceptInvitationRequest(
                token=token, name=colleague.name, password=colleague.password(self._data)
            )
            try:
                staff.AcceptInvitation(acceptance, timeout=_SECONDS, metadata=self._metadata(_NOBODY))
            except grpc.RpcError as error:
                # The mail that went out meanwhile has the newer token.
                if last or error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
            else:
                return

    def _metadata(self, claims: ServiceClaims) -> tuple[tuple[str, str], ...]:
        return (
            ("authorization", f"Bearer {self._signer.sign(claims)}"),
            ("idempotency-key", str(uuid.uuid4())),
            ("x-request-id", str(uuid.uuid4())),
        )
