"""Somebody who comes by a provider of log-ins, without a browser: the pages' way, by the service's calls (A3)."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
import httpx
from google.protobuf.message import Message

from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.accounts_pb2_grpc import SocialLoginServiceStub
from services.common.tokens import ServiceClaims
from tests.faults.client import Shop
from tests.faults.system import System

# The provider loads its libraries when somebody comes for the first time, which on a busy machine takes longer than httpx waits.
_SECONDS = 60


class Social:
    """One person at the local provider, and what the store makes of them."""

    def __init__(self, system: System, shop: Shop) -> None:
        self.system, self.shop = system, shop
        self.subject = f"s-{secrets.token_hex(8)}"
        claims = {"name": "陳大文", "email": f"{self.subject}@people.example", "email_verified": False}
        httpx.put(
            self._provider(f"users/{self.subject}"), json=claims, timeout=_SECONDS, trust_env=False
        ).raise_for_status()

    def add_to(self, session: str) -> None:
        """Adds the identity to the account of a session."""
        found = self._come(session)
        assert found.outcome == pb.LOG_IN_OUTCOME_ADDED, found

    def log_in(self) -> str:
        """The session that begins; empty where the provider's word lets nobody in (any more)."""
        try:
            found = self._come()
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
                raise
            return ""
        # Whoever is let in, is let in as who they are: nobody may register by what is retired.
        assert found.outcome == pb.LOG_IN_OUTCOME_LOGGED_IN, found
        return str(found.session.session_token)

    def _come(self, session: str = "") -> pb.FinishSocialLoginResponse:
        browser, settings = secrets.token_urlsafe(32), self.system.stack.settings
        back = f"{settings.gateway_url}/s/login/back"
        with self._calls() as call:
            wish = pb.BeginSocialLoginRequest(
                provider_id="google", browser=browser, redirect_uri=back, language="en", session_token=session
            )
            address = call("BeginSocialLogin", wish).authorization_url
            page = httpx.post(address, data={"sub": self.subject}, timeout=_SECONDS, trust_env=False)
            brought = {name: values[0] for name, values in parse_qs(urlsplit(page.headers["location"]).query).items()}
            finish = pb.FinishSocialLoginRequest(
                browser=browser, state=brought["state"], code=brought["code"], session_token=session
            )
            answer: pb.FinishSocialLoginResponse = call("FinishSocialLogin", finish)
        return answer

    def _provider(self, path: str) -> str:
        return f"{self.system.stack.settings.social_url}/{path}"

    @contextmanager
    def _calls(self) -> Iterator[Callable[[str, Message], Any]]:
        options = [("grpc.enable_http_proxy", 0)]
        metadata = self.system.metadata(ServiceClaims("customer:", "public", self.shop.store_id))
        with grpc.insecure_channel(self.system.stack.settings.targets["identity_merge"], options=options) as channel:
            stub = SocialLoginServiceStub(channel)
            yield lambda method, request: getattr(stub, method)(request, timeout=10, metadata=metadata)
