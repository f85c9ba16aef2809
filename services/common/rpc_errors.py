"""The error tree as gRPC status with google.rpc details, and back (rule 7)."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc import aio
from grpc_status import rpc_status

from services.common import errors

# Details above a few KB fail at random in gRPC; long lists are cut, the rest is learnt at the next try.
_MOST_VIOLATIONS = 10
_LONGEST_PARAM = 100
# Parameters that are lists, with ", " between entries: a part of an entry would be none.
_LISTS, _LONGEST_LIST = frozenset({"changed"}), 1_200

_CODES: dict[type[errors.OnefoldError], int] = {
    errors.InvalidInput: code_pb2.INVALID_ARGUMENT,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.PermissionDenied: code_pb2.PERMISSION_DENIED,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.StateConflict: code_pb2.FAILED_PRECONDITION,
    errors.Conflict: code_pb2.ABORTED,
    errors.Unavailable: code_pb2.UNAVAILABLE,
    errors.Internal: code_pb2.INTERNAL,
}
_TYPES = {code: kind for kind, code in _CODES.items()}


def status_of(error: errors.OnefoldError) -> Any:
    """A gRPC status with ErrorInfo, and BadRequest where fields are wrong."""
    params = {k: _cut(k, v) for k, v in error.params.items()}
    details = [error_details_pb2.ErrorInfo(reason=error.reason, domain="onefold", metadata=params)]
    packed = [_pack(d) for d in details]
    if isinstance(error, errors.InvalidInput):
        bad = error_details_pb2.BadRequest()
        for violation in error.violations[:_MOST_VIOLATIONS]:
            entry = bad.field_violations.add(field=violation.field[:_LONGEST_PARAM], reason=violation.reason)
            # The description carries the sentence's parameters; people read the sentence that the gateway makes of them.
            entry.description = "&".join(f"{k}={_escaped(v[:_LONGEST_PARAM])}" for k, v in violation.params.items())
        packed.append(_pack(bad))
    status = status_pb2.Status(code=_CODES[type(error)], message=error.detail[:500] or error.reason, details=packed)
    return rpc_status.to_status(status)


def error_from(error: aio.AioRpcError) -> errors.OnefoldError:
    """The error that the other side raised."""
    # rpc_status reads trailing metadata and code, which an AioRpcError has as well as a synchronous call.
    status = rpc_status.from_call(error)
    return from_status(error.code(), error.details() or "", status)


def from_status(code: grpc.StatusCode, detail: str, status: status_pb2.Status | None) -> errors.OnefoldError:
    """The error of the tree that a status stands for; Unavailable for everything that says "not reached"."""
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    for packed in status.details if status else ():
        packed.Unpack(info)
        packed.Unpack(bad)
    if not info.reason:
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return errors.Unavailable("deadline_exceeded", detail)
        if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.RESOURCE_EXHAUSTED):
            return errors.Unavailable("service_unavailable", detail)
        return errors.Internal("internal", f"{code.name}: {detail}")
    kind = _TYPES.get(status.code if status else 0, errors.Internal)
    if kind is errors.InvalidInput:
        return errors.InvalidInput(
            *(errors.Violation(v.field, v.reason, _params_of(v.description)) for v in bad.field_violations)
        )
    return kind(info.reason, detail, **dict(info.metadata))


def to_caller(error: errors.OnefoldError) -> errors.OnefoldError:
    """What an error means to the process that called: that the token it signed itself is not believed (clocks are apart, keys are being
    changed) says nothing of whoever it acts for, and passes."""
    if isinstance(error, errors.Unauthenticated) and error.params.get("whose") == "service":
        return errors.Unavailable("service_unavailable", error.detail)
    return error


def _cut(name: str, value: str) -> str:
    if name not in _LISTS:
        return value[:_LONGEST_PARAM]
    return value if len(value) <= _LONGEST_LIST else value[:_LONGEST_LIST].rpartition(", ")[0]


def _escaped(value: str) -> str:
    """A parameter may repeat what somebody sent: that is no end of it, nor another parameter. Letters stay one character each."""
    return value.replace("%", "%25").replace("&", "%26")


def _params_of(description: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in description.split("&") if pair)
    return {name: unquote(value) for name, _, value in pairs}


def _pack(message: Any) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
