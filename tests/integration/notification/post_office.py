"""What surrounds the notification service in its tests: a mail server that can be told how to behave, and identity_merge's one answer."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections import defaultdict, deque
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session
from grpc import aio

from deploy.local.ports import LOOPBACK, choose
from onefold.identity_merge.v1 import (
    accounts_pb2,
    accounts_pb2_grpc,
    service_pb2,
    service_pb2_grpc,
    staff_pb2,
    staff_pb2_grpc,
)
from services.common import rpc
from services.common.rpc import Server
from services.common.tokens import ServiceClaims, TokenSigner


@dataclass(frozen=True)
class Received:
    """A mail that the server has taken."""

    at: float
    sender: str
    recipient: str
    mail: EmailMessage

    def part(self, subtype: str) -> str:
        """The text of one of its parts."""
        return next(str(p.get_content()) for p in self.mail.walk() if p.get_content_type() == f"text/{subtype}")


@dataclass
class PostOffice:
    """A real SMTP server. Answers are taken from the queues by recipient; without one it takes everything.

    An answer "stall" says nothing until `released` is set; an answer "hang up" ends the connection.
    """

    port: int = field(default_factory=lambda: choose(["smtp"], {})["smtp"])
    taken: list[Received] = field(default_factory=list)
    to_recipient: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    to_content: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    async def open(self) -> None:
        def protocol() -> SMTP:
            self.connections += 1
            return SMTP(self, enable_SMTPUTF8=True, hostname="localhost", timeout=300, loop=asyncio.get_running_loop())

        self._server = await asyncio.get_running_loop().create_server(protocol, LOOPBACK, self.port)

    async def close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._answer(server, self.to_recipient[address])
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content, recipient = envelope.content, envelope.rcpt_tos[0]
        assert isinstance(content, bytes)
        answer = await self._answer(server, self.to_content[recipient])
        if answer.startswith("2"):
            mail = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(mail, EmailMessage)
            now = asyncio.get_running_loop().time()
            self.taken.append(Received(now, envelope.mail_from or "", recipient, mail))
        return answer

    async def _answer(self, server: SMTP, answers: deque[str]) -> str:
        answer = answers.popleft() if answers else "250 OK"
        if answer == "stall":
            self.reached.set()
            await self.released.wait()
            return "250 OK"
        if answer == "hang up":
            assert server.transport is not None
            server.transport.close()
            await asyncio.sleep(3600)
        return answer


@dataclass
class Logins(
    service_pb2_grpc.LoginServiceServicer,
    accounts_pb2_grpc.CustomerAccountServiceServicer,
    staff_pb2_grpc.StaffServiceServicer,
):
    """What is asked of identity_merge, behind the real boundary that checks service tokens."""

    signer: TokenSigner
    needed: bool = True
    purpose: accounts_pb2.CodePurpose = accounts_pb2.CODE_PURPOSE_LOG_IN
    callers: list[ServiceClaims] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    port: int = field(default_factory=lambda: choose(["grpc"], {})["grpc"])

    async def IssueConfirmation(  # noqa: N802 - the name is the contract's
        self, request: service_pb2.IssueConfirmationRequest, _: aio.ServicerContext[object, object]
    ) -> service_pb2.IssueConfirmationResponse:
        self.callers.append(rpc.caller())
        self.asked.append(request.login_method_id)
        return service_pb2.IssueConfirmationResponse(
            needed=self.needed, token=f"secret/token+{len(self.asked)}" if self.needed else "", store_slug="demo"
        )

    async def IssueCode(  # noqa: N802
        self, request: accounts_pb2.IssueCodeRequest, _: aio.ServicerContext[object, object]
    ) -> accounts_pb2.IssueCodeResponse:
        self.callers.append(rpc.caller())
        self.asked.append(request.code_id)
        refused = self.purpose == accounts_pb2.CODE_PURPOSE_REFUSED
        links = self.purpose == accounts_pb2.CODE_PURPOSE_REGISTER
        return accounts_pb2.IssueCodeResponse(
            needed=self.needed,
            code=f"{len(self.asked):06}" if self.needed and not refused else "",
            purpose=self.purpose,
            link_token=f"secret/link+{len(self.asked)}" if links else "",
            store_slug="demo",
        )

    async def IssueGuestInvitation(  # noqa: N802
        self, request: accounts_pb2.IssueGuestInvitationRequest, _: aio.ServicerContext[object, object]
    ) -> accounts_pb2.IssueGuestInvitationResponse:
        self.callers.append(rpc.caller())
        self.asked.append(request.invitation_id)
        token = f"secret/guest+{request.customer_id}+{request.email}" if self.needed else ""
        return accounts_pb2.IssueGuestInvitationResponse(needed=self.needed, token=token)

    async def IssueInvitation(  # noqa: N802
        self, request: staff_pb2.IssueInvitationRequest, _: aio.ServicerContext[object, object]
    ) -> staff_pb2.IssueInvitationResponse:
        self.callers.append(rpc.caller())
        self.asked.append(request.invitation_id)
        return staff_pb2.IssueInvitationResponse(needed=self.needed, token=f"secret/invitation+{len(self.asked)}")

    async def ListStaff(  # noqa: N802
        self, request: staff_pb2.ListStaffRequest, _: aio.ServicerContext[object, object]
    ) -> staff_pb2.ListStaffResponse:
        """Two pages: an owner and somebody else, then another owner."""
        self.callers.append(rpc.caller())
        people = [("Ada", service_pb2.STAFF_ROLE_OWNER), ("Bo", service_pb2.STAFF_ROLE_CASHIER)]
        if request.page.token:
            people = [("Cy", service_pb2.STAFF_ROLE_OWNER)]
        entries = [
            staff_pb2.StaffEntry(
                staff=service_pb2.StaffMember(staff_id=name, name=name, email=f"{name.lower()}@mail.example", role=role)
            )
            for name, role in people
        ]
        return staff_pb2.ListStaffResponse(entries=entries, next_page_token="" if request.page.token else "more")

    async def open(self) -> Server:
        server = Server(f"{LOOPBACK}:{self.port}", self.signer)
        accounts_pb2_grpc.add_CustomerAccountServiceServicer_to_server(self, server.aio)
        service_pb2_grpc.add_LoginServiceServicer_to_server(self, server.aio)
        staff_pb2_grpc.add_StaffServiceServicer_to_server(self, server.aio)
        await server.start()
        return server
