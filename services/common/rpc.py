"""gRPC at the edge of a service: one interceptor in, one helper out.

In: verifies the service token, lets in whom the contract says (`access`), takes over request id and trace, shields the handler from
the caller's deadline (a write that has begun is carried to its commit), turns the error tree into status and details, logs one line
without personal data.
Out: a deadline on every call, token and ids handed on, retries only for UNAVAILABLE (rules 7, 8).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc import aio

from services.common import access, idempotency, telemetry
from services.common.access import Access
from services.common.channel import CHANNEL_OPTIONS, LONGEST_KEY, address_of, method_of
from services.common.database import Database, is_transient
from services.common.errors import Internal, InvalidInput, OnefoldError, Unauthenticated, Unavailable
from services.common.health import Health
from services.common.idempotency import Once, Replayed
from services.common.rpc_errors import error_from, status_of, to_caller
from services.common.telemetry.metrics import RPC_MADE, RPC_SERVED
from services.common.tokens import SERVICE, ServiceClaims, TokenSigner

Response = TypeVar("Response", bound=Message)
R = TypeVar("R")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """The call under way: who, with which key, which method.

    `asked` stands for what the client asked, where the gateway has filled in the request since; it is empty otherwise.
    """

    claims: ServiceClaims
    idempotency_key: str
    method: str
    asked: str = ""


_call: ContextVar[Call] = ContextVar("call")


def caller() -> ServiceClaims:
    """Who makes the current call."""
    return _call.get().claims


def once(request: Message, encode: Callable[[R], Message]) -> Once[R]:
    """The current call's idempotency key, bound to what is asked (E7). Raises InvalidInput (idempotency_key_required)."""
    call = _call.get()
    if not 0 < len(call.idempotency_key) <= LONGEST_KEY:
        raise InvalidInput.of("idempotency-key", "idempotency_key_required", longest=str(LONGEST_KEY))
    body = call.asked.encode() or request.SerializeToString(deterministic=True)
    return Once(
        call.claims.store,
        call.idempotency_key,
        idempotency.fingerprint(call.method, body),
        lambda result: encode(result).SerializeToString(),
    )


class Boundary(aio.ServerInterceptor):
    """Everything that is the same for every RPC."""

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer
        self._wrapped: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
        self._going: set[asyncio.Task[Any]] = set()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        """Wraps a method's handler, once per method."""
        method = handler_call_details.method
        if method.startswith("/grpc.health."):
            return await continuation(handler_call_details)
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None or handler.unary_unary is None:
                return handler
            self._wrapped[method] = grpc.unary_unary_rpc_method_handler(
                self._wrap(method, handler.unary_unary, handler.request_deserializer),  # type: ignore[arg-type]  # generated code has one
                # The request stays bytes until it is known who calls.
                request_deserializer=None,
                # A replayed answer is bytes already.
                response_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
            )
        return self._wrapped[method]

    def _wrap(
        self, method: str, behaviour: Callable[..., Any], parse: Callable[[bytes], Message]
    ) -> Callable[..., Awaitable[Any]]:
        allowed, name = access.of_method(method), method[1:]

        async def run(request: bytes, context: aio.ServicerContext[Any, Any]) -> Any:
            started = time.perf_counter()
            code = grpc.StatusCode.OK
            metadata = dict(context.invocation_metadata() or ())
            telemetry.begin(str(metadata.get("x-request-id", "")), str(metadata.get("traceparent", "")))
            with telemetry.span(name, telemetry.SERVER, rpc__system__name="grpc") as span:
                try:
                    # Shielded: the caller's deadline or hang-up must not cut a transaction in two.
                    return await asyncio.shield(
                        self._go_on(
                            self._handle(method, allowed, behaviour, metadata, partial(parse, request), context)
                        )
                    )
                except OnefoldError as error:
                    status = status_of(error)
                    code = status.code
                    await context.abort_with_status(status)
                except asyncio.CancelledError:
                    code = grpc.StatusCode.CANCELLED
                    raise
                finally:
                    seconds = time.perf_counter() - started
                    span.set_attribute("rpc.response.status_code", code.name)
                    RPC_SERVED.observe(seconds, name, code.name)
                    log.info("rpc", method=method, code=code.name, ms=round(seconds * 1e3, 1))

        return run

    def _go_on(self, handling: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """The task of a call, which goes on to its end when nobody waits any more; an error that nobody is told then is no defect."""
        task = asyncio.ensure_future(handling)
        self._going.add(task)
        task.add_done_callback(self._gone)
        return task

    def _gone(self, task: asyncio.Task[Any]) -> None:
        self._going.discard(task)
        if not task.cancelled():
            task.exception()  # told to whoever waited; a shield that was left does not fetch it

    async def _handle(
        self,
        method: str,
        allowed: Access,
        behaviour: Callable[..., Any],
        metadata: dict[str, Any],
        read: Callable[[], Message],
        context: Any,
    ) -> Any:
        try:
            scheme, _, token = str(metadata.get("authorization", "")).partition(" ")
            if scheme != "Bearer":
                raise Unauthenticated("credential_refused", "no service token")
            key, asked = str(metadata.get("idempotency-key", "")), str(metadata.get("idempotency-fingerprint", ""))
            claims = self._signer.verify(token)
            request = read()
            allowed.check(claims, request)
            _call.set(Call(claims, key, method, asked))
            return await behaviour(request, context)
        except Replayed as replayed:
            return replayed.response
        except OnefoldError:
            raise
        except DecodeError as error:
            raise InvalidInput.of("request", "malformed_request") from error
        except Exception as error:
            if is_transient(error):
                log.warning("dependency_away", method=method, error=type(error).__name__)
                raise Unavailable("service_unavailable", type(error).__name__) from error
            log.exception("rpc_failed", method=method)
            raise Internal("internal") from error


class Server:
    """A gRPC server with the boundary, health and a graceful end."""

    def __init__(self, listen: str, signer: TokenSigner, database: Database | None = None) -> None:
        """It is ready while `database` answers."""
        self.aio = aio.server(
            interceptors=[Boundary(signer)],
            options=[
                ("grpc.so_reuseport", 0),
                # Lets Kubernetes balance: clients reconnect now and then (rule 8).
                ("grpc.max_connection_age_ms", 300_000),
                ("grpc.max_connection_age_grace_ms", 20_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.max_receive_message_length", 4 * 1024 * 1024),
            ],
        )
        self._health = Health(self.aio, {"database": database.answers} if database else {})
        if database:
            database.watch()
        self._listen = listen

    async def start(self) -> None:
        """Binds and serves. Raises RuntimeError when the address is taken."""
        self.aio.add_insecure_port(self._listen)
        await self.aio.start()
        await self._health.begin()

    async def stop(self) -> None:
        """NOT_SERVING, then up to 10 s for calls under way (rule 9)."""
        await self._health.end()
        await self.aio.stop(grace=10)


def channel(target: str) -> aio.Channel:
    """A channel to another service; connects when first used."""
    return aio.insecure_channel(address_of(target), options=CHANNEL_OPTIONS)


class Caller:
    """Makes calls to other services in the name of `service`."""

    def __init__(self, signer: TokenSigner, service: str) -> None:
        self._signer = signer
        self._actor = f"service:{service}"

    async def call(
        self,
        method: Callable[..., Awaitable[Response]],
        request: Message,
        claims: ServiceClaims,
        *,
        seconds: float,
        idempotency_key: str = "",
        asked: str = "",
    ) -> Response:
        """The answer within `seconds`. `claims` names the store (and the person on whose behalf), `asked` is as in `Call`.

        Raises the error of the tree that the other side raised; Unavailable when it cannot be reached in time, or does not believe us.
        """
        name = method_of(request.DESCRIPTOR)
        with telemetry.span(name, telemetry.CLIENT, rpc__system__name="grpc") as span:
            started, code = time.perf_counter(), "OK"
            try:
                return await method(request, timeout=seconds, metadata=self._metadata(claims, idempotency_key, asked))
            except aio.AioRpcError as error:
                code = error.code().name
                raise to_caller(error_from(error)) from error
            finally:
                RPC_MADE.observe(time.perf_counter() - started, name, code)
                span.set_attribute("rpc.response.status_code", code)

    def _metadata(self, claims: ServiceClaims, idempotency_key: str, asked: str) -> list[tuple[str, str]]:
        metadata = [
            ("authorization", f"Bearer {self._signer.sign(claims)}"),
            ("x-request-id", telemetry.request_id.get()),
        ]
        if idempotency_key:
            metadata.append(("idempotency-key", idempotency_key))
        if asked:
            metadata.append(("idempotency-fingerprint", asked))
        if traceparent := telemetry.traceparent():
            metadata.append(("traceparent", traceparent))
        return metadata

    def as_service(self, store_id: str) -> ServiceClaims:
        """Claims of this service itself, for work that nobody asked for in person."""
        return ServiceClaims(actor=self._actor, role=SERVICE, store_id=store_id)
