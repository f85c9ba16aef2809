"""An OpenID provider of the tests' own, which really signs, and can be told to do what none should."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, CLIENT_SECRET = "onefold", "a client's secret"
ALG = "RS256"
Sign = Callable[["Provider", dict[str, Any]], str]
# A key takes a while to make; what another provider signs by is not ours to check by.
KEY, FOREIGN_KEY = (RSAKey.generate_key(2048, {"kid": kid, "use": "sig"}) for kid in ("first", "first"))


def sign(provider: Provider, claims: dict[str, Any]) -> str:
    """As it should be."""
    return jwt.encode({"alg": ALG, "kid": provider.key.kid}, claims, provider.key)


def sign_with_nothing(_: Provider, claims: dict[str, Any]) -> str:
    """alg: none."""
    parts = ({"alg": "none"}, claims)
    return ".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts) + "."


def sign_with_public_key(provider: Provider, claims: dict[str, Any]) -> str:
    """HS256 with what everybody can read as the secret."""
    public = provider.key.as_pem(private=False)
    return _hmac({"alg": "HS256", "kid": provider.key.kid}, claims, public)


def sign_with_secret(_: Provider, claims: dict[str, Any]) -> str:
    """HS256 with the client's secret."""
    return _hmac({"alg": "HS256"}, claims, CLIENT_SECRET.encode())


def sign_with_foreign_key(provider: Provider, claims: dict[str, Any]) -> str:
    """By a key that has the right name."""
    return jwt.encode({"alg": ALG, "kid": provider.key.kid}, claims, FOREIGN_KEY)


def _hmac(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signing = ".".join(urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in (header, claims))
    signature = hmac.digest(secret, signing.encode(), "sha256")
    return f"{signing}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


@dataclass
class Asked:
    """What a browser brought to the provider's page."""

    parameters: dict[str, str]
    person: dict[str, Any]


@dataclass
class Provider:
    """The provider and what is to be wrong with it."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    # Changes claims before they are signed; None as a value takes one away.
    changes: dict[str, Any] = field(default_factory=dict)
    sign: Sign = sign
    discovery: dict[str, Any] = field(default_factory=dict)
    # Path → what is answered there instead: (status, headers, body), after so many seconds.
    instead: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    slow: dict[str, float] = field(default_factory=dict)
    asked: dict[str, int] = field(default_factory=dict)
    codes: dict[str, Asked] = field(default_factory=dict)
    tokens: dict[str, Asked] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Pages", (_Pages,), {"provider": self}))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def setting(self, **changes: Any) -> dict[str, Any]:
        """As one of ONEFOLD_SOCIAL_PROVIDERS."""
        base = {"id": "acme", "name": "ACME", "kind": "oidc", "issuer": self.address}
        return {**base, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, **changes}

    def visit(self, url: str, **person: Any) -> dict[str, str]:
        """A browser that goes to the provider's page as this person; what it comes back with."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.address}/authorize"
        parameters = dict(parse_qsl(parts.query))
        assert parameters["response_type"] == "code"
        assert parameters["client_id"] == CLIENT_ID
        code = secrets.token_urlsafe(16)
        self.codes[code] = Asked(parameters, {"sub": "someone", **person})
        return {"code": code, "state": parameters["state"]}

    def answer(self, path: str, form: dict[str, str], bearer: str) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, self._described()
        if path == "/jwks":
            return 200, {"keys": [self.key.as_dict(private=False)]}
        if path == "/token":
            return self._token(form)
        if path == "/userinfo" and bearer in self.tokens:
            return 200, self.tokens[bearer].person
        return 404, {}

    def _described(self) -> dict[str, Any]:
        names = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        ends = {name: f"{self.address}/{path}" for name, path in names.items()}
        found = {"issuer": self.address, **ends, "userinfo_endpoint": f"{self.address}/userinfo"}
        return {name: value for name, value in {**found, **self.discovery}.items() if value is not None}

    def _token(self, form: dict[str, str]) -> tuple[int, Any]:
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
        good = (
            asked is not None
            and (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
            and form.get("redirect_uri") == asked.parameters["redirect_uri"]
            and asked.parameters.get("code_challenge") == challenge
            and asked.parameters.get("code_challenge_method") == "S256"
        )
        if not asked or not good:
            return 400, {"error": "invalid_grant"}
        access, now = secrets.token_urlsafe(16), int(time.time())
        self.tokens[access] = asked
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            "iss": self.address,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked.parameters.get("nonce", ""),
            "at_hash": urlsafe_b64encode(half).rstrip(b"=").decode(),
            **asked.person,
            **self.changes,
        }
        kept = {
            name: now + value.seconds if isinstance(value, FromNow) else value
            for name, value in claims.items()
            if value is not None
        }
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self.sign(self, kept)}


@dataclass(frozen=True, slots=True)
class FromNow:
    """A moment so many seconds after the token is made: tests that are named by it have the same name at any time."""

    seconds: int


class _Pages(BaseHTTPRequestHandler):
    provider: Provider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self._answer(dict(parse_qsl(body)))

    def _answer(self, form: dict[str, str]) -> None:
        provider, path = self.provider, urlsplit(self.path).path
        provider.asked[path] = provider.asked.get(path, 0) + 1
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        time.sleep(provider.slow.get(path, 0))
        if path in provider.instead:
            status, headers, body = provider.instead[path]
        else:
            status, found = provider.answer(path, form, bearer)
            headers, body = {"Content-Type": "application/json"}, json.dumps(found).encode()
        try:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except OSError:  # whoever asked has gone away, as it should when the answer is too long
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Requests are not worth a line."""
