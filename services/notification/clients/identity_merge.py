"""Tokens and codes: asked for at the moment of sending, so that no secret lies in this service's database (rule 10)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from grpc import aio

from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import accounts_pb2, accounts_pb2_grpc, service_pb2_grpc, staff_pb2, staff_pb2_grpc
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common.paging import LARGEST_SIZE
from services.common.rpc import Caller
from services.notification.domain import Purpose

SECONDS = 5.0
_PURPOSES: Mapping[int, Purpose] = {
    accounts_pb2.CODE_PURPOSE_LOG_IN: Purpose.LOG_IN,
    accounts_pb2.CODE_PURPOSE_REGISTER: Purpose.REGISTER,
    accounts_pb2.CODE_PURPOSE_ADD: Purpose.ADD,
    accounts_pb2.CODE_PURPOSE_REFUSED: Purpose.REFUSED,
}


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """Six digits and what they are for; "" where the identifier can never be used. `link_token` is set where a link does the same."""

    code: str
    purpose: Purpose
    link_token: str = ""


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who owns a store."""

    staff_id: str
    name: str
    email: str


class Secrets:
    """LoginService, CustomerAccountService and StaffService of identity_merge, as far as notification uses them.

    All raise Unavailable and others of the tree.
    """

    def __init__(self, caller: Caller, channel: aio.Channel) -> None:
        self._caller = caller
        self._logins = service_pb2_grpc.LoginServiceStub(channel)
        self._accounts = accounts_pb2_grpc.CustomerAccountServiceStub(channel)
        self._staff = staff_pb2_grpc.StaffServiceStub(channel)

    async def confirmation(self, store_id: UUID, login_method_id: str) -> str:
        """A token that confirms the login method; "" when none is needed any more."""
        response = await self._caller.call(
            self._logins.IssueConfirmation,
            pb.IssueConfirmationRequest(login_method_id=login_method_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.token if response.needed else ""

    async def code(self, store_id: UUID, code_id: str) -> IssuedCode | None:
        """The code to log in or register by; None when none is needed any more."""
        response = await self._caller.call(
            self._accounts.IssueCode,
            accounts_pb2.IssueCodeRequest(code_id=code_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        if not response.needed:
            return None
        purpose = _PURPOSES.get(response.purpose, Purpose.LOG_IN)
        return IssuedCode(response.code, purpose if response.code else Purpose.REFUSED, response.link_token)

    async def guest_invitation(self, store_id: UUID, invitation_id: str, customer_id: str, email: str) -> str:
        """A token that proves the address, for a guest who is invited to register; "" when none is needed any more."""
        response = await self._caller.call(
            self._accounts.IssueGuestInvitation,
            accounts_pb2.IssueGuestInvitationRequest(invitation_id=invitation_id, customer_id=customer_id, email=email),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.token if response.needed else ""

    async def invitation(self, store_id: UUID, invitation_id: str) -> str:
        """A token to set a password by, for somebody who is invited or has forgotten theirs; "" when none is needed any more."""
        response = await self._caller.call(
            self._staff.IssueInvitation,
            staff_pb2.IssueInvitationRequest(invitation_id=invitation_id),
            self._caller.as_service(str(store_id)),
            seconds=SECONDS,
        )
        return response.token if response.needed else ""

    async def owners(self, store_id: UUID) -> list[Owner]:
        """Those who own the store."""
        found: list[Owner] = []
        page = PageRequest(size=LARGEST_SIZE)
        while True:
            answer = await self._caller.call(
                self._staff.ListStaff,
                staff_pb2.ListStaffRequest(page=page),
                self._caller.as_service(str(store_id)),
                seconds=SECONDS,
            )
            people = [entry.staff for entry in answer.entries if not entry.invitation_id]
            found += [Owner(p.staff_id, p.name, p.email) for p in people if p.role == pb.STAFF_ROLE_OWNER]
            if not answer.next_page_token:
                return found
            page = PageRequest(size=LARGEST_SIZE, token=answer.next_page_token)
