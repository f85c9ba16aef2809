"""One method of a service as a typed call: in whose name, how long, under which key (see clients)."""

from __future__ import annotations

import time
from typing import Generic, TypeVar

import grpc
from google.protobuf.message import Message

from gateway import context
from gateway.errors import from_rpc
from services.common import telemetry
from services.common.channel import method_of
from services.common.errors import Unavailable
from services.common.rpc_errors import to_caller
from services.common.telemetry.metrics import RPC_MADE
from services.common.tokens import LIFETIME_SECONDS, ServiceClaims, TokenSigner

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)
Metadata = tuple[tuple[str, str], ...]

DEADLINE_SECONDS = 5.0
_TOKEN_REUSE_SECONDS = 60
_TOKENS_KEPT = 1_000


class Tokens:
    """Service tokens, each used again for a minute, because signing costs and services remember those they have verified."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer
        self._known: dict[ServiceClaims, tuple[float, str]] = {}

    def bearer(self, claims: ServiceClaims) -> str:
        """The value of the authorization metadata."""
        known = self._known.get(claims)
        now = time.monotonic()
        if known and known[0] > now:
            return known[1]
        if len(self._known) >= _TOKENS_KEPT:
            self._known = {}
        value = f"Bearer {self._signer.sign(claims)}"
        self._known[claims] = (now + min(_TOKEN_REUSE_SECONDS, LIFETIME_SECONDS / 2), value)
        return value


class Method(Generic[Request, Response]):
    """One method of a service."""

    def __init__(self, tokens: Tokens, rpc: grpc.UnaryUnaryMultiCallable[Request, Response]) -> None:
        self._tokens = tokens
        self._rpc = rpc

    def __call__(
        self,
        request: Request,
        *,
        key: str = "",
        seconds: float = DEADLINE_SECONDS,
        claims: ServiceClaims | None = None,
        asked: str = "",
    ) -> Response:
        """The answer within `seconds`. `key` is the idempotency key (E7), `claims` default to those of the request's principal.

        `asked` stands for what the client asked, where the gateway has added to it: a repeat is known by that.
        """
        timeout = min(seconds, context.seconds_left())
        if timeout <= 0:
            raise Unavailable("deadline_exceeded", "the request's time is up")
        bearer, name = self._tokens.bearer(claims or context.claims()), method_of(request.DESCRIPTOR)
        with telemetry.span(name, telemetry.CLIENT, rpc__system__name="grpc") as span:
            started, code = time.perf_counter(), "OK"
            try:
                return self._rpc(request, timeout=timeout, metadata=_metadata(bearer, key, asked))
            except grpc.RpcError as error:
                code = error.code().name if isinstance(error, grpc.Call) else "UNKNOWN"
                raise to_caller(from_rpc(error)) from error
            finally:
                RPC_MADE.observe(time.perf_counter() - started, name, code)
                span.set_attribute("rpc.response.status_code", code)


def _metadata(bearer: str, key: str, asked: str) -> Metadata:
    pairs = [("authorization", bearer), ("x-request-id", telemetry.request_id.get())]
    if key:
        pairs.append(("idempotency-key", key))
    if asked:
        pairs.append(("idempotency-fingerprint", asked))
    if traceparent := telemetry.traceparent():
        pairs.append(("traceparent", traceparent))
    return tuple(pairs)
