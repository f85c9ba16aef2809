"""The services' own door: messages that are broken, too large or compressed to death, tokens that are not ours, streams left open.

Who may call what is walked in tests/component/gateway/test_who_may_call.py.
"""

from __future__ import annotations

import base64
import json
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from itsdangerous import Signer, TimestampSigner, URLSafeTimedSerializer

from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS
from services.common.tokens import ServiceClaims, TokenSigner
from tests.attack.conftest import LONG_FORM

STORE = "01a20b5b-d378-76b7-8dec-6f559c792cc0"
OWNER = ServiceClaims("staff:x", "owner", STORE)
# One method of each service that wants no more than a store.
DOORS = {
    "membership": "/onefold.membership.v1.MembershipService/GetCustomer",
    "orders": "/onefold.orders.v1.OrdersService/GetOrder",
    "identity_merge": "/onefold.identity_merge.v1.AccessService/GetStore",
    "notification": "/onefold.notification.v1.NotificationService/GetMessage",
}
_MIB = 1024 * 1024


class Door:
    """Calls with bytes for messages."""

    def __init__(self, stack: Stack, context: str) -> None:
        options = [("grpc.enable_http_proxy", 0), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.insecure_channel(stack.settings.targets[context], options)
        self._path = DOORS[context]
        self.pid = stack.process(f"{context}-serve").pid
        self.signer = TokenSigner(stack.settings.service_key)

    def refusal(self, message: bytes, bearer: str | None = None, path: str = "", **how: object) -> grpc.RpcError:
        """How it was refused; with a token that is good unless another is given."""
        authorization = f"Bearer {self.signer.sign(OWNER)}" if bearer is None else bearer
        call = self._channel.unary_unary(path or self._path, bytes, bytes)
        metadata = [("authorization", authorization), ("idempotency-key", str(uuid.uuid4()))]
        with pytest.raises(grpc.RpcError) as caught:
            call(message, timeout=30, metadata=metadata, **how)
        return caught.value

    def memory(self) -> int:
        """The most that the process ever had, in MiB."""
        (line,) = [line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmHWM" in line]
        return int(line.split()[1]) // 1024

    def close(self) -> None:
        self._channel.close()


@pytest.fixture(scope="module", params=CONTEXTS)
def door(request: pytest.FixtureRequest, stack: Stack) -> Iterator[Door]:
    door = Door(stack, request.param)
    yield door
    door.close()


BROKEN = {
    "no message": b"\xff\xff\xff",
    "a field longer than the message": b"\x0a\xff\xff\xff\x7f",
    "text that is no UTF-8": b"\x0a\x02\xff\xfe",
    "a group without an end": b"\x0b" * 200,
    "a number without an end": b"\x80" * 64,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_message_is_refused_in_our_words(kind: str, door: Door) -> None:
    error = door.refusal(BROKEN[kind])
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "google" not in (error.details() or "")


@pytest.mark.parametrize("kind", BROKEN)
def test_who_calls_is_asked_before_the_message_is_read(kind: str, door: Door) -> None:
    assert door.refusal(BROKEN[kind], "Bearer x").code() is grpc.StatusCode.UNAUTHENTICATED


def test_fields_that_nobody_knows_change_nothing(door: Door) -> None:
    """Older and newer contracts meet; what is not known is not taken for something else."""
    known = door.refusal(b"")
    unknown = door.refusal(b"\xfa\x3f\x03abc\xf8\x3f\x01")
    assert (unknown.code(), unknown.details()) == (known.code(), known.details())


def test_methods_that_are_not_there_are_not_there(door: Door) -> None:
    assert door.refusal(b"", path="/onefold.orders.v1.OrdersService/Drop").code() is grpc.StatusCode.UNIMPLEMENTED
    assert door.refusal(b"", path="/grpc.reflection.v1.ServerReflection/Info").code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("size", [5 * _MIB, 16 * _MIB])
@pytest.mark.parametrize("packed", [grpc.Compression.NoCompression, grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_no_message_takes_more_memory_than_there_may_be(size: int, packed: grpc.Compression, door: Door) -> None:
    """16 MiB of one letter are 16 KB on the way: the limit is on what they become."""
    before = door.memory()
    error = door.refusal(b"a" * size, "Bearer x", compression=packed)
    assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL)
    assert door.memory() - before < 32


def forged(stack: Stack) -> dict[str, str]:
    """Tokens that look like ours."""
    good = TokenSigner(stack.settings.service_key).sign(OWNER)
    body, stamp, mark = good.rsplit(".", 2)
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    claims = base64.urlsafe_b64encode(json.dumps({"role": "owner", "store_id": STORE}).encode()).decode().rstrip("=")
    of_links = URLSafeTimedSerializer(stack.settings.service_key, salt="onefold-links").dumps({"role": "owner"})
    return {
        "no signature": f"{body}.{stamp}.",
        "half a signature": f"{body}.{stamp}.{mark[: len(mark) // 2]}",
        "another store in the same signature": f"{body.replace(STORE, STORE[:-1] + '1')}.{stamp}.{mark}",
        "operator in the same signature": f"{body.replace('owner', 'operator')}.{stamp}.{mark}",
        "another time in the same signature": f"{body}.x{stamp[1:]}.{mark}",
        "no algorithm": f"{none}.{claims}.",
        "the key's own mark without a time": Signer(stack.settings.service_key, salt="onefold-service")
        .sign(body)
        .decode(),
        "the usual salt": TimestampSigner(stack.settings.service_key).sign(body).decode(),
        "of a link": of_links,
        "nothing": "",
        "very much": "x" * 6_000,
    }


def test_tokens_that_are_made_up_are_nobodys(door: Door, stack: Stack) -> None:
    for kind, token in forged(stack).items():
        error = door.refusal(b"", f"Bearer {token}")
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED, kind
        assert stack.settings.service_key not in (error.details() or "")


# The preface of HTTP/2, settings, and the head of a call whose message never comes.
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\x04\0\0\0\0\0"
_JUNK = (b"", b"GET / HTTP/1.1\r\n\r\n", _PREFACE, _PREFACE + b"\0\x40\0\x01\x04\0\0\0\x01" + b"\xff" * 64)


def test_connections_left_open_keep_nobody_else_out(door: Door, stack: Stack) -> None:
    """Four hundred of them, in several stages of politeness, and a hundred calls whose message never ends."""
    host, _, port = stack.settings.targets[_context_of(door)].rpartition(":")
    clients = [socket.create_connection((host, int(port)), timeout=20) for _ in range(400)]
    try:
        for number, client in enumerate(clients):
            client.sendall(_JUNK[number % len(_JUNK)])
        assert door.refusal(b"", "Bearer x").code() is grpc.StatusCode.UNAUTHENTICATED
    finally:
        for client in clients:
            client.close()


def _context_of(door: Door) -> str:
    return next(context for context, path in DOORS.items() if path == door._path)


@LONG_FORM
def test_a_bomb_of_a_gigabyte_is_dropped(door: Door) -> None:
    before = door.memory()
    error = door.refusal(b"\0" * 1024 * _MIB, "Bearer x", compression=grpc.Compression.Gzip)
    assert error.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
    assert door.memory() - before < 32
