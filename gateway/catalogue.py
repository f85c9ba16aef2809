"""The catalogue of events: what the services tell one another, and what merchants' own systems are told, read from the contracts (H4, H5).

`make proto` leaves the contracts with their comments in one file beside the generated code (proto/onefold/contracts.binpb), so nothing is
generated here and nothing can be out of step. Examples are made of the fields' names and types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from onefold.common.v1 import common_pb2
from onefold.notification.v1 import webhook_events_pb2

CONTRACTS = Path(common_pb2.__file__).parents[2] / "contracts.binpb"
CONTEXTS = ("membership", "orders", "identity_merge", "notification")
# Numbers of these lists in FileDescriptorProto and DescriptorProto, as source locations name them.
_MESSAGES, _FIELDS = 4, 2
_SYNTAX = 12
_TIMESTAMP = ".google.protobuf.Timestamp"
_AT = "2026-11-24T02:18:00.250Z"
_ID = "019ab3c0-5a2e-7c31-9f4d-3b6a1e0c8d27"
# The numbers of rules are of use to us alone.
_RULE = re.compile(r" \([A-H]\d+(?:[-, ]+[A-H]\d+)*\)")
_AGGREGATE = re.compile(r"[Aa]ggregate: (the [a-z ]+|[a-z ]+)")
_NAMES = {
    FieldDescriptorProto.TYPE_STRING: "text",
    FieldDescriptorProto.TYPE_BOOL: "yes or no",
    FieldDescriptorProto.TYPE_BYTES: "bytes",
}
_SAMPLES: Mapping[str, Any] = {
    "name": "陳大文",
    "phone": "+85294512053",
    "email": "chan@example.com",
    "recipient": "chan@example.com",
    "value": "chan@example.com",
    "language": "zh-Hant",
    "currency": "HKD",
    "timezone": "Asia/Hong_Kong",
    "region": "HK",
    "slug": "demo",
    "kind": "email",
    "source": "order",
    "channel": "storefront",
    "status": "paid",
    "reason": "earned",
    "cause": "spend",
    "number": 1001,
    "version": 3,
    "points": 120,
    "balance": 480,
    "fields": "phone",
    "external_reference": "WEB-2041",
    "tracking": "SF1234567890",
    "from_level_name": "Silver",
    "to_level_name": "Gold",
    "country": "HK",
    "what": "password_set",
    "actor": f"staff:{_ID}",
    "action": "customer.profile_changed",
    "subject_kind": "customer",
    "field": "phone",
    "before": "••• 53",
    "after": "••• 11",
    "title": "Oolong tea",
    "refunded_minor": 0,
}
_SAMPLES_OF: Mapping[tuple[str, str], Any] = {
    ("MessageFailedData", "kind"): "order_placed",
    ("MessageFailedData", "channel"): "email",
    ("Message", "kind"): "order_placed",
    ("Message", "channel"): "email",
    ("Message", "error"): "550 no such mailbox",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One field, as the contract describes it; `said` may be empty where the name says it all."""

    name: str
    type: str
    said: str


@dataclass(frozen=True, slots=True)
class Event:
    """What the services tell one another. `subject` is NATS'; `aggregate` what it is about, by which events keep their order."""

    name: str
    subject: str
    when: str
    aggregate: str
    fields: Sequence[Field]
    example: str


@dataclass(frozen=True, slots=True)
class Context:
    """A service's events, and what is said of all of them."""

    name: str
    said: str
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """What merchants' own systems are told. The fields are those of `data`; the example is the whole body."""

    type: str
    when: str
    fields: Sequence[Field]
    example: str


class Contracts:
    """The contracts with their comments."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self._files = {file.name: file for file in files.file}
        self._messages: dict[str, DescriptorProto] = {}
        self._enums: dict[str, EnumDescriptorProto] = {}
        self._said: dict[str, dict[tuple[int, ...], str]] = {}
        for file in files.file:
            self._messages |= {f".{file.package}.{message.name}": message for message in file.message_type}
            self._enums |= {f".{file.package}.{enum.name}": enum for enum in file.enum_type}
            self._said[file.name] = {
                tuple(place.path): _plain(place.leading_comments) for place in file.source_code_info.location
            }

    def contexts(self) -> Iterator[Context]:
        """Each service's events, in the order of its contract; what all services tell comes last."""
        audit = list(self._events(self._files["onefold/common/v1/audit.proto"], ("AuditNoted",)))
        for context in CONTEXTS:
            file = self._files[f"onefold/{context}/v1/events.proto"]
            own = self._events(file, _top_level(file))
            shared = [_published_by(context, event) for event in audit]
            yield Context(context, self._of_file(file), [*own, *shared])

    def webhooks(self) -> Iterator[WebhookEvent]:
        """Each type in the order of the contract."""
        file = self._files["onefold/notification/v1/webhook_events.proto"]
        for place, message in enumerate(file.message_type):
            for declared in message.options.Extensions[webhook_events_pb2.webhook]:
                body = {"type": declared.type, "timestamp": _AT, "data": self._example(message, webhook=True)}
                yield WebhookEvent(declared.type, declared.when, self._fields(file, place, webhook=True), _json(body))

    def promise(self) -> str:
        """What is said of all webhooks."""
        return self._of_file(self._files["onefold/notification/v1/webhook_events.proto"])

    def _events(self, file: FileDescriptorProto, names: Sequence[str]) -> Iterator[Event]:
        _, context, version = file.package.split(".")
        of_file = _AGGREGATE.search(self._of_file(file))
        for place, message in enumerate(file.message_type):
            if message.name not in names:
                continue
            said = self._said[file.name].get((_MESSAGES, place), "")
            about = _AGGREGATE.search(said) or of_file
            snake = re.sub(r"(?<!^)(?=[A-Z])", "_", message.name).lower()
            yield Event(
                message.name,
                f"onefold.{context}.{snake}.{version}",
                _AGGREGATE.sub("", said).replace(" .", "").strip(),
                about[1].removeprefix("the ") if about else "",
                self._fields(file, place),
                _json(self._example(message)),
            )

    def _of_file(self, file: FileDescriptorProto) -> str:
        return self._said[file.name].get((_SYNTAX,), "")

    def _fields(self, file: FileDescriptorProto, place: int, *, webhook: bool = False) -> list[Field]:
        said = self._said[file.name]
        return [
            Field(field.name, self._type(field, webhook=webhook), said.get((_MESSAGES, place, _FIELDS, number), ""))
            for number, field in enumerate(file.message_type[place].field)
        ]

    def _type(self, field: FieldDescriptorProto, *, webhook: bool) -> str:
        if field.type_name == _TIMESTAMP:
            name = "time"
        elif field.type == FieldDescriptorProto.TYPE_STRING and field.name.endswith(("_id", "_ids")):
            name = "id"
        elif field.type_name:
            name = field.type_name.rpartition(".")[2]
        else:
            name = _NAMES.get(field.type, "number")
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            return f"list of {name}"
        return f"{name} or null" if webhook and field.proto3_optional else name

    def _example(self, message: DescriptorProto, depth: int = 0, *, webhook: bool = False) -> dict[str, Any]:
        return {
            field.name: self._sample(message, field, depth, webhook=webhook)
            for field in message.field
            if depth < 3 or not field.type_name
        }

    def _sample(self, message: DescriptorProto, field: FieldDescriptorProto, depth: int, *, webhook: bool) -> Any:
        value = self._single(message, field, depth)
        if field.label == FieldDescriptorProto.LABEL_REPEATED:
            return [value]
        # Numbers of 64 bit are text in protobuf's JSON, and numbers in a webhook.
        return value if webhook or field.type != FieldDescriptorProto.TYPE_INT64 else str(value)

    def _single(self, message: DescriptorProto, field: FieldDescriptorProto, depth: int) -> Any:
        if field.type_name == _TIMESTAMP:
            return _AT
        if field.type == FieldDescriptorProto.TYPE_ENUM:
            return self._enums[field.type_name].value[1].name
        if field.type == FieldDescriptorProto.TYPE_MESSAGE:
            return self._example(self._messages[field.type_name], depth + 1)
        if field.type == FieldDescriptorProto.TYPE_BOOL:
            return True
        if field.type == FieldDescriptorProto.TYPE_BYTES:
            return "q83vASNFZ4k="
        text = field.type == FieldDescriptorProto.TYPE_STRING
        if text and field.name.endswith(("_id", "_ids")):
            return _ID
        sample = _SAMPLES_OF.get((message.name, field.name), _SAMPLES.get(field.name))
        if isinstance(sample, str) is text and sample is not None:
            return sample
        return "…" if text else 132_450 if field.name.endswith("_minor") else 7


@cache
def contracts() -> Contracts:
    """Read at the first call of a process. Raises FileNotFoundError where `make proto` has not been run."""
    return Contracts(FileDescriptorSet.FromString(CONTRACTS.read_bytes()))


def _top_level(file: FileDescriptorProto) -> list[str]:
    """Events are the messages that no other of their file is made of."""
    inner = {field.type_name.rpartition(".")[2] for message in file.message_type for field in message.field}
    return [message.name for message in file.message_type if message.name not in inner]


def _published_by(context: str, event: Event) -> Event:
    subject = event.subject.replace("onefold.common.", f"onefold.{context}.")
    return Event(event.name, subject, event.when, event.aggregate, event.fields, event.example)


def _plain(comment: str) -> str:
    return _RULE.sub("", " ".join(comment.split()))


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
