"""What an OpenID provider says of itself, its keys, and whether a token of its is good."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from services.identity_merge.clients.social.web import Web
from services.identity_merge.domain.social import Away, NotVouched, Provider

# Signatures that only the provider can make. With HS256 whoever knows our secret could, and with "none" anybody.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_SECONDS = 60
_FRESH_SECONDS = 3_600.0
# A token with an unknown key makes us look for new keys, but not more often.
_KEYS_AGAIN_SECONDS = 30.0
_LONGEST_TOKEN = 32_768
_DISCOVERY = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider does what. `sends_issuer`: it promises to say who answers (RFC 9207)."""

    authorize: str
    token: str
    userinfo: str
    jwks: str
    sends_issuer: bool


class OpenIdIssuer:
    """One issuer; what it says is kept for an hour, its keys until a token names one that is unknown."""

    def __init__(self, issuer: str, web: Web) -> None:
        self._issuer = issuer
        self._web = web
        self._lock = asyncio.Lock()
        self._endpoints: tuple[float, Endpoints] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def endpoints(self, seconds: float) -> Endpoints:
        """Raises Away."""
        async with self._lock:
            if self._endpoints is None or self._endpoints[0] + _FRESH_SECONDS < time.monotonic():
                found = (await self._web.get(self._issuer.rstrip("/") + _DISCOVERY, {}, seconds)).found()
                self._endpoints = time.monotonic(), _endpoints(self._issuer, found)
            return self._endpoints[1]

    async def _keys_for(self, kid: str | None, seconds: float) -> KeySet:
        address = (await self.endpoints(seconds)).jwks
        async with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys else _FRESH_SECONDS
            unknown = self._keys is not None and kid is not None and all(key.kid != kid for key in self._keys[1])
            if self._keys is None or age >= _FRESH_SECONDS or (unknown and age >= _KEYS_AGAIN_SECONDS):
                self._keys = time.monotonic(), _key_set((await self._web.get(address, {}, seconds)).found())
            return self._keys[1]

    async def judge(self, provider: Provider, token: dict[str, Any], nonce: str, seconds: float) -> dict[str, Any]:
        """The claims of the id_token that a token answer brings. Raises NotVouched, Away."""
        text = token.get("id_token")
        if not isinstance(text, str) or not 0 < len(text) <= _LONGEST_TOKEN:
            raise NotVouched("no_id_token")
        try:
            header = jws.extract_compact(text.encode()).headers()
            kid = header.get("kid")
            keys = await self._keys_for(kid if isinstance(kid, str) else None, seconds)
            decoded = jwt.decode(text, keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": provider.client_id},
                },
                {"nonce": nonce, "client_id": provider.client_id, "access_token": token.get("access_token")},
            )
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            # What is inside is the person's; the kind of fault is not.
            raise NotVouched(f"id_token: {type(error).__name__}") from error
        return dict(claims)


def _endpoints(issuer: str, found: dict[str, Any]) -> Endpoints:
    if found.get("issuer") != issuer:
        raise Away("another_issuer")
    names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    authorize, token, jwks = (found.get(name) for name in names)
    if not (isinstance(authorize, str) and isinstance(token, str) and isinstance(jwks, str)):
        raise Away("endpoints_missing")
    userinfo = found.get("userinfo_endpoint")
    sends = found.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(authorize, token, userinfo if isinstance(userinfo, str) else "", jwks, sends)


def _key_set(found: dict[str, Any]) -> KeySet:
    """The keys that verify signatures; others, and those that cannot be read, are left out."""
    read = []
    for key in found.get("keys") or []:
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig":
            try:
                read += KeySet.import_key_set({"keys": [key]}).keys
            except (JoseError, ValueError, TypeError, KeyError):
                continue
    if not read:
        raise Away("no_keys")
    return KeySet(read)
