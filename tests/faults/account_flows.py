"""What becomes of somebody who registers when a process is killed meanwhile."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.accounts_pb2_grpc import CustomerAccountServiceStub
from services.common.tokens import ServiceClaims
from services.identity_merge.domain.proofs import browser_digest
from tests.faults.client import Shop, somebody, until
from tests.faults.flows import Flow
from tests.faults.system import System

# A code is good for five tries, and whoever was away is back by the fourth.
AWAY_SECONDS = 2


class Registration(Flow):
    """Somebody proves an address, registers, and adds a phone (A3)."""

    def __init__(self, system: System, shop: Shop) -> None:
        super().__init__(system, shop)
        self.who = somebody()
        self.browser = secrets.token_urlsafe(32)

    def prepare(self) -> None:
        with self._accounts() as call:
            answer = self._prove(call, email=self.who.email)
        assert answer.outcome == pb.LOG_IN_OUTCOME_REGISTER

    def run(self) -> None:
        with self._accounts() as call:
            wanted = pb.RegisterRequest(browser=self.browser, name=self.who.name, language="en")
            session = until(lambda: self._sure(lambda: call("Register", wanted)), 60, "the member is made").session
            self.customer_id = session.login_method.customer_id
            add = partial(self._prove, call, session.session_token, phone=self.who.phone)
            until(lambda: self._sure(add), 60, "the phone is added")

    def check(self) -> None:
        with self._accounts() as call:
            again = call("Register", pb.RegisterRequest(browser=self.browser, name=self.who.name, language="en"))
        assert again.session.login_method.customer_id == self.customer_id
        for words in (self.who.phone, self.who.email):
            assert [member["customer_id"] for member in self.shop.members_with(words)] == [self.customer_id]
        methods = self.system.rows(
            "identity_merge",
            "SELECT kind, value, state FROM login_methods WHERE store_id = $1 AND customer_id = $2 ORDER BY kind",
            UUID(self.shop.store_id),
            UUID(self.customer_id),
        )
        assert methods == [("email", self.who.email, 2), ("phone", self.who.phone, 2)]
        self._check_mail(self.who.email, "confirm_login", 0)

    def _prove(self, call: Callable[[str, Message], Any], session: str = "", **asked: str) -> Any:
        """Asks for a code and types it. The sender of the message is given one, too, and the last one is the right one."""
        call("RequestCode", pb.RequestCodeRequest(browser=self.browser, session_token=session, **asked))
        [(code_id,)] = self.system.rows(
            "identity_merge",
            "SELECT code_id FROM codes WHERE store_id = $1 AND value = $2",
            UUID(self.shop.store_id),
            *asked.values(),
        )

        def typed() -> Any:
            code = call("IssueCode", pb.IssueCodeRequest(code_id=str(code_id))).code
            try:
                return call("VerifyCode", pb.VerifyCodeRequest(browser=self.browser, code=code, session_token=session))
            except grpc.RpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    time.sleep(AWAY_SECONDS)
                elif error.details() != "code: code_wrong":
                    raise
                return None

        return until(typed, 30, "the code is right")

    def ask_code(self, call: Callable[[str, Message], Any], **asked: str) -> None:
        """Asks for a code to log in or register by."""
        call("RequestCode", pb.RequestCodeRequest(browser=self.browser, **asked))

    def read_code(self, call: Callable[[str, Message], Any]) -> pb.IssueCodeResponse:
        """Reads the message with the code in the place of its owner; another that is sent later makes it wrong."""
        [(code_id,)] = self.system.rows(
            "identity_merge", "SELECT code_id FROM codes WHERE browser_digest = $1", browser_digest(self.browser)
        )
        issued: pb.IssueCodeResponse = call("IssueCode", pb.IssueCodeRequest(code_id=str(code_id)))
        return issued

    def type_code(self, call: Callable[[str, Message], Any], code: str) -> str:
        """The session that the code begins; empty where the code is wrong, or what it was sent to cannot be used (any more)."""
        try:
            return str(call("VerifyCode", pb.VerifyCodeRequest(browser=self.browser, code=code)).session_token)
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.INVALID_ARGUMENT):
                raise
            return ""

    def _sure(self, ask: Callable[[], Any]) -> Any:
        """The answer; None while a part is away."""
        try:
            return ask()
        except grpc.RpcError as error:
            if error.code() not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
                raise
            return None

    @contextmanager
    def _accounts(self) -> Iterator[Callable[[str, Message], Any]]:
        options = [("grpc.enable_http_proxy", 0)]
        with grpc.insecure_channel(self.system.stack.settings.targets["identity_merge"], options=options) as channel:
            stub = CustomerAccountServiceStub(channel)

            def call(method: str, request: Message) -> Any:
                role = "service" if method == "IssueCode" else "public"
                claims = ServiceClaims("customer:", role, self.shop.store_id)
                return getattr(stub, method)(request, timeout=10, metadata=self.system.metadata(claims))

            yield call


class GuestWhoRegisters(Registration):
    """Somebody who has ordered as a guest registers: the order, its sum and the guest's id are the member's (A7, F10)."""

    def prepare(self) -> None:
        self.order = self.shop.settled(self.shop.order(self.who, member=False)["order_id"])
        super().prepare()

    def check(self) -> None:
        super().check()
        member = self.shop.customer(self.customer_id)
        assert (member["orders_count"], member["net_spend_minor"]) == (1, 10_000)
        assert self.shop.customer(self.order["customer_id"])["customer_id"] == self.customer_id
        [order] = self.shop.orders_of(self.customer_id)
        assert order["order_id"] == self.order["order_id"]
