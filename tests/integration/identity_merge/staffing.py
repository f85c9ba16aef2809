"""People who work for a store, as tests meet them."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pyotp

from onefold.identity_merge.v1 import events_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.identity_merge.v1 import staff_pb2 as staff_pb
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import PASSWORD, PUBLIC, Service

MANAGER, CASHIER, OWNER = pb.STAFF_ROLE_MANAGER, pb.STAFF_ROLE_CASHIER, pb.STAFF_ROLE_OWNER
EMAIL, NAME = "may@people.example", "陳小美"


@dataclass
class Office:
    """A store, seen by its owner."""

    service: Service
    owner: ServiceClaims
    slug: str

    @classmethod
    async def open(cls, service: Service, slug: str = "shop") -> Office:
        return cls(service, await service.new_store(slug), slug)

    @property
    def mails(self) -> ServiceClaims:
        return ServiceClaims(actor="service:notification", role="service", store_id=self.owner.store_id)

    async def invite(
        self, email: str = EMAIL, role: pb.StaffRole.ValueType = MANAGER, key: str = ""
    ) -> staff_pb.StaffEntry:
        wish = staff_pb.InviteStaffRequest(email=email, name=NAME, role=role)
        made = await self.service.call(self.service.staff.InviteStaff, wish, self.owner, key or str(new_id()))
        return made.entry

    async def token(self, invitation_id: str) -> str:
        """What the mail carries; "" where none is to be sent."""
        wish = staff_pb.IssueInvitationRequest(invitation_id=invitation_id)
        return (await self.service.call(self.service.staff.IssueInvitation, wish, self.mails)).token

    async def read(self, token: str) -> staff_pb.ReadInvitationResponse:
        return await self.service.call(
            self.service.staff.ReadInvitation, staff_pb.ReadInvitationRequest(token=token), PUBLIC
        )

    async def accept(self, token: str, password: str = PASSWORD, name: str = NAME, agent: str = "") -> pb.LogInResponse:
        wish = staff_pb.AcceptInvitationRequest(token=token, name=name, password=password, agent=agent)
        return (await self.service.call(self.service.staff.AcceptInvitation, wish, PUBLIC)).session

    async def join(self, email: str = EMAIL, role: pb.StaffRole.ValueType = MANAGER) -> Person:
        session = await self.accept(await self.token((await self.invite(email, role)).invitation_id))
        return Person(self, email, session.session_token, session.staff.staff_id)

    async def boss(self) -> Person:
        """The owner, logged in."""
        email = f"owner@{self.slug}.example"
        session = await self.log_in(email)
        return Person(self, email, session.session_token, session.staff.staff_id)

    async def log_in(self, email: str = EMAIL, password: str = PASSWORD, session_token: str = "") -> pb.LogInResponse:
        wish = pb.LogInRequest(
            store_slug=self.slug, email=email, password=password, agent="Firefox", session_token=session_token
        )
        return await self.service.call(self.service.access.LogIn, wish, PUBLIC)

    async def second_step(self, challenge: str, code: str, session_token: str = "") -> pb.LogInResponse:
        wish = staff_pb.LogInWithTotpRequest(challenge=challenge, code=code, session_token=session_token)
        return (await self.service.call(self.service.staff.LogInWithTotp, wish, PUBLIC)).session

    async def forget(self, email: str = EMAIL, source: str = "192.0.2.1", slug: str = "") -> None:
        wish = staff_pb.RequestResetRequest(store_slug=slug or self.slug, email=email, source=source)
        await self.service.call(self.service.staff.RequestReset, wish, PUBLIC)

    async def change(
        self, staff_id: str, role: pb.StaffRole.ValueType, claims: ServiceClaims | None = None
    ) -> staff_pb.StaffEntry:
        wish = staff_pb.ChangeStaffRequest(staff_id=staff_id, role=role)
        done = await self.service.call(self.service.staff.ChangeStaff, wish, claims or self.owner, str(new_id()))
        return done.entry

    async def remove(self, staff_id: str, claims: ServiceClaims | None = None) -> None:
        wish = staff_pb.RemoveStaffRequest(staff_id=staff_id)
        await self.service.call(self.service.staff.RemoveStaff, wish, claims or self.owner)

    async def entries(self, size: int = 0, token: str = "") -> staff_pb.ListStaffResponse:
        wish = staff_pb.ListStaffRequest()
        wish.page.size, wish.page.token = size, token
        return await self.service.call(self.service.staff.ListStaff, wish, self.owner)

    async def reset_links(self) -> list[events_pb2.StaffResetRequested]:
        rows = await self.service.rows(
            "SELECT payload FROM outbox WHERE type = 'identity_merge.staff_reset_requested.v1' ORDER BY seq"
        )
        return [events_pb2.StaffResetRequested.FromString(bytes(row.payload)) for row in rows]


@dataclass
class Person:
    """A member of staff who is logged in."""

    office: Office
    email: str
    session: str
    staff_id: str
    role: str = "manager"
    secret: str = ""
    codes_used: int = 0

    @property
    def claims(self) -> ServiceClaims:
        return ServiceClaims(actor=f"staff:{self.staff_id}", role=self.role, store_id=self.office.owner.store_id)

    async def turn_on(self) -> list[str]:
        """Their second factor; its recovery codes."""
        service = self.office.service
        begun = await service.call(service.staff.BeginTotp, staff_pb.BeginTotpRequest(password=PASSWORD), self.claims)
        self.secret = begun.secret
        wish = staff_pb.ConfirmTotpRequest(code=self.code())
        return list((await service.call(service.staff.ConfirmTotp, wish, self.claims)).recovery_codes)

    def code(self, steps: int = 0) -> str:
        """What the app shows, so many steps of 30 s from now."""
        return pyotp.TOTP(self.secret).at(time.time(), counter_offset=steps)

    async def myself(self) -> staff_pb.GetMyselfResponse:
        service = self.office.service
        return await service.call(
            service.staff.GetMyself, staff_pb.GetMyselfRequest(session_token=self.session), self.claims
        )
