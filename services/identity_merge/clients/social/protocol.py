"""The code flow with one provider, by Authlib: OpenID Connect and OAuth 2 alike."""

from __future__ import annotations

import time
from typing import Any

from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.client import OAuth2Client

from services.identity_merge.clients.social.openid import Endpoints, OpenIdIssuer
from services.identity_merge.clients.social.web import Web
from services.identity_merge.domain.social import Away, NotVouched, Provider, Vouched, is_safe, read_person


class _Client(OAuth2Client):  # type: ignore[misc]
    """Authlib's client with our way of sending."""

    def __init__(self, web: Web, seconds: float, **settings: Any) -> None:
        super().__init__(None, **settings)
        self._web, self._seconds = web, seconds

    async def _fetch_token(self, url: str, body: str, headers: dict[str, str], auth: Any, method: str) -> Any:
        url, headers, body = auth.prepare(method, url, dict(headers), body)
        return self.parse_response_token(await self._web.post(url, headers, body, self._seconds))

    async def read(self, url: str) -> dict[str, Any]:
        """What the provider says by the token. Raises Away."""
        url, headers, _ = self.token_auth.prepare(url, {"Accept": "application/json"}, "")
        return (await self._web.get(url, headers, self._seconds)).found()


class CodeFlow:
    """Sends browsers to one provider and judges what they come back with."""

    def __init__(self, provider: Provider, *, loopback: bool) -> None:
        self._provider = provider
        self._web = web = Web(loopback=loopback)
        self._loopback = loopback
        self._issuer = OpenIdIssuer(provider.issuer, web) if provider.issuer else None

    async def authorization_url(self, redirect_uri: str, state: str, nonce: str, verifier: str, seconds: float) -> str:
        """Where to send the browser. Raises Away."""
        endpoints = await self._endpoints(seconds)
        if not is_safe(endpoints.authorize, loopback=self._loopback):
            raise Away("unsafe_address")
        client = self._client(redirect_uri, seconds)
        more = {"nonce": nonce} if self._issuer else {}
        url, _ = client.create_authorization_url(
            endpoints.authorize, state, verifier if self._provider.pkce else None, **more, **self._provider.parameters
        )
        return str(url)

    async def identify(
        self, code: str, issuer: str, redirect_uri: str, nonce: str, verifier: str, seconds: float
    ) -> Vouched:
        """Who has come back with this code; `issuer` as the browser brought it. Raises NotVouched, Away."""
        deadline = time.monotonic() + seconds
        endpoints = await self._endpoints(seconds)
        # Sent by us to one provider and sent back by another: its code must not reach ours, nor ours it (RFC 9207).
        if self._issuer and (issuer or endpoints.sends_issuer) and issuer != self._provider.issuer:
            raise NotVouched("issuer")
        client = self._client(redirect_uri, deadline - time.monotonic())
        token = await self._token(client, endpoints, code, verifier)
        claims: dict[str, Any] = {}
        if self._issuer:
            claims = await self._issuer.judge(self._provider, token, nonce, deadline - time.monotonic())
        if not self._issuer or self._provider.userinfo:
            claims = await self._ask(client, endpoints, claims)
        return read_person(self._provider, claims)

    async def _token(self, client: _Client, endpoints: Endpoints, code: str, verifier: str) -> dict[str, Any]:
        more = {**self._provider.token_parameters, **({"code_verifier": verifier} if self._provider.pkce else {})}
        try:
            found = await client.fetch_token(endpoints.token, grant_type="authorization_code", code=code, **more)
        except OAuth2Error as error:
            raise NotVouched("code_refused") from error
        except (ValueError, TypeError, RecursionError) as error:
            raise Away("no_token") from error
        return dict(found)

    async def _ask(self, client: _Client, endpoints: Endpoints, claims: dict[str, Any]) -> dict[str, Any]:
        try:
            told = await client.read(endpoints.userinfo)
        except (KeyError, AttributeError, TypeError) as error:
            raise NotVouched("no_access_token") from error
        if self._issuer and told.get("sub") != claims["sub"]:
            raise NotVouched("another_subject")
        # What is signed comes before what is not.
        return told | claims

    async def _endpoints(self, seconds: float) -> Endpoints:
        p = self._provider
        if self._issuer:
            return await self._issuer.endpoints(seconds)
        return Endpoints(p.authorize_url, p.token_url, p.userinfo_url, "", sends_issuer=False)

    def _client(self, redirect_uri: str, seconds: float) -> _Client:
        p = self._provider
        return _Client(
            self._web,
            seconds,
            client_id=p.client_id,
            client_secret=p.client_secret,
            token_endpoint_auth_method=p.token_auth,
            scope=" ".join(p.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
        )
