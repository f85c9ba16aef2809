"""A customer at the log-in page, for tests of codes and sessions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import events_pb2
from onefold.identity_merge.v1.authentication_pb2 import AuthenticateAgainRequest, Verdict
from services.common.errors import InvalidInput, Unauthenticated
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import PUBLIC, Service

EMAIL = "tai.man@example.com"
PHONE = "+85294512053"
PASSWORD = "correct horse battery"


@dataclass
class Browser:
    """A browser of somebody's in a store: its secret, and what comes of its wishes."""

    service: Service
    who: ServiceClaims
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    source: str = "203.0.113.7"
    # By which sessions that were good are asked about again.
    _handles: dict[str, bytes] = field(default_factory=dict)

    @property
    def claims(self) -> ServiceClaims:
        """Those of a visitor of whom nothing is known."""
        return ServiceClaims(actor="customer:", role="public", store_id=self.who.store_id)

    async def ask(
        self, email: str = EMAIL, key: str = "", language: str = "en", phone: str = "", session: str = ""
    ) -> events_pb2.CodeRequested:
        """Asks for a code; the event that it makes."""
        wish = pb.RequestCodeRequest(
            email="" if phone else email,
            phone=phone,
            browser=self.secret,
            language=language,
            source=self.source,
            session_token=session,
        )
        await self.service.call(self.service.accounts.RequestCode, wish, self.claims, key or str(new_id()))
        return (await wanted(self.service))[-1]

    async def code(self, email: str = EMAIL, phone: str = "", session: str = "") -> str:
        """The code that an asking brings."""
        asked = await self.ask(email, phone=phone, session=session)
        return (await issue(self.service, self.who, asked.code_id)).code

    async def enter(self, code: str, session: str = "", agent: str = "") -> pb.VerifyCodeResponse:
        """Types a code."""
        wish = pb.VerifyCodeRequest(browser=self.secret, code=code, session_token=session, agent=agent)
        answer: pb.VerifyCodeResponse = await self.service.call(self.service.accounts.VerifyCode, wish, self.claims)
        return answer

    async def refusal(self, code: str) -> tuple[str, str]:
        """Why a code is refused, and how many tries are said to be left."""
        try:
            await self.enter(code)
        except InvalidInput as error:
            [violation] = error.violations
            assert violation.field == "code"
            return violation.reason, violation.params.get("left", "")
        raise AssertionError("the code was taken")

    async def log_in(self, email: str = EMAIL, phone: str = "", session: str = "") -> str:
        """Asks, reads the mail, types; the session."""
        return (await self.enter(await self.code(email, phone), session)).session_token

    async def prove(self, email: str = EMAIL, phone: str = "") -> None:
        """Proves what is nobody's."""
        done = await self.enter(await self.code(email, phone))
        assert done.outcome == pb.LOG_IN_OUTCOME_REGISTER
        assert not done.session_token

    async def proofs(self) -> list[tuple[str, str]]:
        """What it has proved and not used."""
        wish = pb.GetProofsRequest(browser=self.secret)
        answer = await self.service.call(self.service.accounts.GetProofs, wish, self.claims)
        return sorted((proof.kind, proof.value) for proof in answer.proofs)

    async def register(self, **values: Any) -> pb.RegisterResponse:
        """Finishes the registration."""
        wish = pb.RegisterRequest(**{"browser": self.secret, "name": "陳大文", "language": "en"} | values)
        answer: pb.RegisterResponse = await self.service.call(self.service.accounts.Register, wish, self.claims)
        return answer

    async def type_password(self, password: str = PASSWORD, **values: str) -> pb.CustomerSession:
        """Logs in by the password."""
        values = {"email": EMAIL, "source": self.source} | values
        wish = pb.LogInWithPasswordRequest(password=password, **values)
        answer = await self.service.call(self.service.accounts.LogInWithPassword, wish, self.claims)
        assert isinstance(answer.session, pb.CustomerSession)
        return answer.session

    async def set_password(self, session: str, new: str = PASSWORD, current: str = "") -> pb.CustomerSession:
        """Sets the account's password."""
        wish = pb.SetPasswordRequest(session_token=session, new_password=new, current_password=current)
        answer = await self.service.call(self.service.accounts.SetPassword, wish, self.claims)
        assert isinstance(answer.session, pb.CustomerSession)
        return answer.session

    async def account(self, session: str) -> pb.GetAccountResponse:
        """What the account page shows."""
        wish = pb.GetAccountRequest(session_token=session)
        answer: pb.GetAccountResponse = await self.service.call(self.service.accounts.GetAccount, wish, self.claims)
        return answer

    async def customer(self, session: str) -> str:
        """Whose session it is; "" when it is nobody's. Asking by its handle must find the same."""
        wish = pb.AuthenticateCustomerRequest(session_token=session)
        try:
            answer = await self.service.call(self.service.accounts.AuthenticateCustomer, wish, self.claims)
        except Unauthenticated as error:
            if handle := self._handles.get(session):
                assert (await self._again(handle)).WhichOneof("holder") is None
            return "" if error.reason == "session_refused" else error.reason
        assert (await self._again(answer.handle)).customer == answer
        self._handles[session] = answer.handle
        return str(answer.login_method.customer_id)

    async def _again(self, handle: bytes) -> Verdict:
        wish = AuthenticateAgainRequest(handles=[handle])
        answer = await self.service.call(self.service.authentication.AuthenticateAgain, wish, PUBLIC)
        assert isinstance(answer.verdicts[0], Verdict)
        return answer.verdicts[0]


async def issue(service: Service, who: ServiceClaims, code_id: str) -> pb.IssueCodeResponse:
    """What the sender of the mail is given."""
    sender = ServiceClaims(actor="service:notification", role="service", store_id=who.store_id)
    answer: pb.IssueCodeResponse = await service.call(
        service.accounts.IssueCode, pb.IssueCodeRequest(code_id=code_id), sender
    )
    return answer


async def wanted(service: Service) -> list[events_pb2.CodeRequested]:
    """The codes that were asked for, in order."""
    rows = await service.rows("SELECT payload FROM outbox WHERE type LIKE '%code_requested%' ORDER BY seq")
    return [events_pb2.CodeRequested.FromString(row.payload) for row in rows]


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"
