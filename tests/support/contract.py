"""Every RPC of every service, as the contracts have them, and a way to call each as anybody."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import from_rpc
from onefold.common.v1 import access_pb2
from services.common.tokens import ServiceClaims, TokenSigner

PROTO = Path(__file__).parents[2] / "proto"


def methods() -> Iterator[MethodDescriptor]:
    """All methods; a new contract is among them by itself."""
    for file in sorted(PROTO.glob("onefold/*/v1/*.proto")):
        module = importlib.import_module(".".join(file.relative_to(PROTO).with_suffix("").parts) + "_pb2")
        for service in module.DESCRIPTOR.services_by_name.values():
            yield from service.methods


def path_of(method: MethodDescriptor) -> str:
    """As gRPC names it."""
    return f"/{method.containing_service.full_name}/{method.name}"


def access_of(method: MethodDescriptor) -> access_pb2.Access:
    """Who may call it, as declared."""
    return method.GetOptions().Extensions[access_pb2.access]


class Doors:
    """All services of a stack, called as whoever one likes."""

    def __init__(self, targets: Mapping[str, str], signer: TokenSigner) -> None:
        self._targets, self._signer = targets, signer
        self._channels: dict[str, grpc.Channel] = {}

    def call(self, method: MethodDescriptor, request: Message | None, claims: ServiceClaims, key: str = "") -> Any:
        """The answer; an empty request unless one is given. Raises the error of the tree."""
        return self.call_with(method, request, f"Bearer {self._signer.sign(claims)}", key)

    def call_with(self, method: MethodDescriptor, request: Message | None, bearer: str, key: str = "") -> Any:
        """The same with any authorization; empty: none at all."""
        asked, answered = (GetMessageClass(each) for each in (method.input_type, method.output_type))
        rpc = self._channel(method.full_name.split(".")[1]).unary_unary(
            path_of(method), asked.SerializeToString, answered.FromString
        )
        metadata = [("idempotency-key", key or str(uuid.uuid4())), *([("authorization", bearer)] if bearer else [])]
        try:
            return rpc(request or asked(), timeout=20, metadata=metadata)
        except grpc.RpcError as error:
            raise from_rpc(error) from error

    def _channel(self, context: str) -> grpc.Channel:
        if context not in self._channels:
            options = [("grpc.enable_http_proxy", 0)]
            self._channels[context] = grpc.insecure_channel(self._targets[context], options)
        return self._channels[context]

    def close(self) -> None:
        """Closes the channels."""
        for channel in self._channels.values():
            channel.close()
