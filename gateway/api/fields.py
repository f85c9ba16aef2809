"""Models that all resources share, and the bases of those of requests and answers.

Requests are read strictly: no text where a number belongs, no field that does not exist. What is *right* within its type, the
services decide; limits stand here only so that the document tells them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, ConfigDict, Field

from onefold.common.v1 import common_pb2
from services.common.channel import LONGEST_KEY
from services.common.contact import LONGEST_NAME
from services.common.money import LARGEST_AMOUNT
from services.common.paging import DEFAULT_SIZE, LARGEST_SIZE

Json = dict[str, object]
_INT32 = 2**31 - 1
_INT64 = 2**63 - 1

# The bounds that are checked are those of the wire; the document tells the services' own.
Amount = Annotated[
    int,
    Field(
        ge=-_INT64,
        le=_INT64,
        description="Minor units, such as cents.",
        json_schema_extra={"minimum": 0, "maximum": LARGEST_AMOUNT},
    ),
]
Quantity = Annotated[int, Field(ge=-_INT32, le=_INT32, json_schema_extra={"minimum": 1, "maximum": 100_000})]
WholeNumber = Annotated[int, Field(ge=-_INT64, le=_INT64)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T02:18:00Z"])]
Day = Annotated[str, Field(json_schema_extra={"format": "date"}, examples=["2027-03-31"])]
Id = Annotated[str, Field(json_schema_extra={"format": "uuid"})]
Language = Literal["", "en", "zh-Hant"]


class RequestModel(BaseModel):
    """Base of bodies."""

    model_config = ConfigDict(extra="forbid", strict=True)


class QueryModel(BaseModel):
    """Base of queries, where everything arrives as text."""

    model_config = ConfigDict(extra="forbid")


class AnswerModel(BaseModel):
    """Base of answers. They are written by hand, which is fast; tests hold what is written against these models."""

    model_config = ConfigDict(extra="forbid")


class OfCustomer(AnswerModel):
    """Base of answers about one customer."""

    customer_id: Id = Field(
        description="The account that stays: another one than was asked for, where that has been merged into it (F10)."
    )


class IdempotencyHeader(BaseModel):
    """Makes a write repeatable (E7)."""

    idempotency_key: str = Field(
        alias="Idempotency-Key",
        min_length=1,
        max_length=LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="Any text that is yours alone, such as a UUID. The same key again gives the same answer, and writes nothing.",
    )


class PageQuery(QueryModel):
    """A window into a list."""

    page_size: int = Field(default=DEFAULT_SIZE, ge=1, le=LARGEST_SIZE)
    page_token: str = Field(default="", description="`next_page_token` of the page before; empty for the first.")

    def page(self) -> common_pb2.PageRequest:
        """For the services."""
        return common_pb2.PageRequest(size=self.page_size, token=self.page_token)


class ContactIn(RequestModel):
    """How the customer can be reached. Phones in any usual writing; without a country code the store's own is assumed."""

    name: str = Field(default="", json_schema_extra={"maxLength": LONGEST_NAME})
    phone: str = Field(default="", examples=["9451 2053", "+886 912 345 678"])
    email: str = ""

    def message(self) -> common_pb2.Contact:
        """For the services."""
        return common_pb2.Contact(name=self.name, phone=self.phone, email=self.email)


class AddressIn(RequestModel):
    """A postal address as the customer writes it."""

    recipient: str = ""
    phone: str = ""
    lines: list[str] = Field(default_factory=list, json_schema_extra={"maxItems": 5})
    district: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = Field(default="", description="ISO 3166-1 alpha-2.", json_schema_extra={"maxLength": 2})

    def message(self) -> common_pb2.Address:
        """For the services."""
        return common_pb2.Address(
            recipient=self.recipient,
            phone=self.phone,
            lines=self.lines,
            district=self.district,
            city=self.city,
            postal_code=self.postal_code,
            country=self.country,
        )


class Contact(AnswerModel):
    """How the customer can be reached; phone in E.164; empty where unknown."""

    name: str
    phone: str
    email: str


class Address(AnswerModel):
    """A postal address."""

    recipient: str
    phone: str
    lines: list[str]
    district: str
    city: str
    postal_code: str
    country: str


class FieldProblem(AnswerModel):
    """One thing wrong with one field."""

    field: str = Field(examples=["lines[0].quantity"])
    reason: str = Field(description="Stable word; see the list of problems.")
    detail: str = Field(description="What to mend, in the language of Accept-Language (en or zh-Hant).")


class ChangedField(AnswerModel):
    """A field of an account, as a plan's facts name it."""

    customer_id: Id
    field: str


class Problem(AnswerModel):
    """What went wrong (RFC 9457)."""

    type: str = Field(json_schema_extra={"format": "uri"})
    title: str
    status: int
    detail: str
    reason: str = Field(description="Stable word; see the list of problems.")
    request_id: str
    errors: list[FieldProblem]
    changed: list[ChangedField] = Field(
        default_factory=list, description="Of `stale_plan`: what changed since the plan was made, in which account."
    )


def when(stamp: Timestamp) -> str:
    """RFC 3339 in UTC."""
    return stamp.ToJsonString()


def when_set(message: Message, field: str) -> str | None:
    """The time in a field; None when it is unset."""
    return when(getattr(message, field)) if message.HasField(field) else None


def contact_json(contact: common_pb2.Contact) -> Json:
    """As in Contact."""
    return {"name": contact.name, "phone": contact.phone, "email": contact.email}


def address_json(address: common_pb2.Address) -> Json:
    """As in Address."""
    return {
        "recipient": address.recipient,
        "phone": address.phone,
        "lines": list(address.lines),
        "district": address.district,
        "city": address.city,
        "postal_code": address.postal_code,
        "country": address.country,
    }


def word(value: int, names: dict[int, str]) -> str:
    """The word for a number of an enumeration; "other" for one of a later release."""
    return names.get(value, "other")
