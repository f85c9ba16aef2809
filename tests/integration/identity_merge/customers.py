"""A customer at the log-in page, for tests of codes and sessions."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import events_pb2
from services.common.errors import InvalidInput, Unauthenticated
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import Service

EMAIL = "tai.man@example.com"


@dataclass
class Browser:
    """A browser of somebody's in a store: its secret, and what comes of its wishes."""

    service: Service
    who: ServiceClaims
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    source: str = "203.0.113.7"

    @property
    def claims(self) -> ServiceClaims:
        """Those of a visitor of whom nothing is known."""
        return ServiceClaims(actor="customer:", role="public", store_id=self.who.store_id)

    async def ask(self, email: str = EMAIL, key: str = "", language: str = "en") -> events_pb2.CodeRequested:
        """Asks for a code; the event that it makes."""
        wish = pb.RequestCodeRequest(email=email, browser=self.secret, language=language, source=self.source)
        await self.service.call(self.service.accounts.RequestCode, wish, self.claims, key or str(new_id()))
        return (await wanted(self.service))[-1]

    async def code(self, email: str = EMAIL) -> str:
        """The code that an asking brings by mail."""
        return (await issue(self.service, self.who, (await self.ask(email)).code_id)).code

    async def enter(self, code: str) -> pb.VerifyCodeResponse:
        """Types a code."""
        wish = pb.VerifyCodeRequest(browser=self.secret, code=code)
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

    async def log_in(self, email: str = EMAIL) -> str:
        """Asks, reads the mail, types; the session."""
        return (await self.enter(await self.code(email))).session_token

    async def customer(self, session: str) -> str:
        """Whose session it is; "" when it is nobody's."""
        wish = pb.AuthenticateCustomerRequest(session_token=session)
        try:
            answer = await self.service.call(self.service.accounts.AuthenticateCustomer, wish, self.claims)
        except Unauthenticated as error:
            return "" if error.reason == "session_refused" else error.reason
        return str(answer.login_method.customer_id)


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
