"""What programs send and read about one person: profile, notes, phone, deletion, erasure, the past."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.api.fields import (
    AddressIn,
    AnswerModel,
    Id,
    Json,
    Language,
    OfCustomer,
    PageQuery,
    RequestModel,
    Time,
    WholeNumber,
    when,
    when_set,
    word,
)
from gateway.timeline import Event, Timeline
from onefold.membership.v1 import profiles_pb2 as pb
from onefold.membership.v1 import registration_pb2 as registration
from services.common.contact import LONGEST_NAME

UseKind = Literal["email_marketing", "sms_marketing"]
_POLICY_WORDS: dict[int, str] = {
    number: name.removeprefix("DELETION_POLICY_").lower() for name, number in pb.DeletionPolicy.items() if number
}


class ProfileIn(RequestModel):
    """Fields that are left out, or null, stay as they are; empty ones are emptied (C4)."""

    expected_version: WholeNumber = Field(
        description="`version` of the customer that you read; 0 skips the check.", json_schema_extra={"minimum": 0}
    )
    name: str | None = Field(default=None, json_schema_extra={"maxLength": LONGEST_NAME})
    birthday: str | None = Field(default=None, examples=["1990-02-28"])
    language: Language | None = None
    phone: str | None = Field(
        default=None, description="A guest's. A member's can only be filled where it is empty (C5)."
    )
    email: str | None = Field(default=None, description="As `phone`.")
    tags: list[str] | None = Field(default=None, description="All of them, at most 20.")
    addresses: list[AddressIn] | None = Field(default=None, description="All of them, the default one first.")

    def message(self, customer_id: str) -> pb.ChangeProfileRequest:
        """For the service."""
        wish = pb.ChangeProfileRequest(customer_id=customer_id, expected_version=self.expected_version)
        for name in ("name", "birthday", "language", "phone", "email"):
            if (value := getattr(self, name)) is not None:
                setattr(wish, name, value)
        if self.tags is not None:
            wish.tags.CopyFrom(pb.Tags(tags=self.tags))
        if self.addresses is not None:
            wish.addresses.CopyFrom(pb.Addresses(addresses=[address.message() for address in self.addresses]))
        return wish


class TagsIn(RequestModel):
    """All tags, as they are to be."""

    expected_version: WholeNumber = Field(
        default=0, description="`version` of the customer; 0 skips the check.", json_schema_extra={"minimum": 0}
    )
    tags: list[str] = Field(description="At most 20.")

    def message(self, customer_id: str) -> pb.ChangeProfileRequest:
        """For the service."""
        tags = pb.Tags(tags=self.tags)
        return pb.ChangeProfileRequest(customer_id=customer_id, expected_version=self.expected_version, tags=tags)


class ConsentIn(RequestModel):
    """How the member has agreed."""

    given: Literal["in_person", "by_phone", "in_writing"]
    note: str = Field(default="", json_schema_extra={"maxLength": 500})


class PhoneIn(RequestModel):
    """Another phone, with the member's consent (C5)."""

    phone: str = Field(examples=["9451 2053"])
    consent: ConsentIn
    expected_version: WholeNumber = Field(
        default=0, description="`version` of the customer; 0 skips the check.", json_schema_extra={"minimum": 0}
    )


class UseConsentIn(RequestModel):
    """Agreed, or not any more."""

    kind: UseKind
    given: bool


class UseConsentsIn(RequestModel):
    """Kinds that are left out stay as they are."""

    consents: list[UseConsentIn] = Field(json_schema_extra={"minItems": 1})

    def message(self, customer_id: str) -> registration.SetConsentsRequest:
        """For the service."""
        uses = [registration.UseConsent(kind=use.kind, given=use.given) for use in self.consents]
        return registration.SetConsentsRequest(customer_id=customer_id, consents=uses)


class NoteIn(RequestModel):
    """What is to be remembered about a customer."""

    text: str = Field(json_schema_extra={"maxLength": 2_000})


class RemovalIn(RequestModel):
    """The customer's phone again, in any usual writing; without a phone the name, without that the e-mail."""

    confirmation: str


class Note(AnswerModel):
    """A note; a struck one stays, with who struck it."""

    note_id: Id
    text: str
    author: str
    at: Time
    struck_by: str | None
    struck_at: Time | None
    from_customer_id: Id | None = Field(description="The merged account that it was about.")


class NoteOf(Note, OfCustomer):
    """A note that was written or struck."""


class NoteList(OfCustomer):
    """Newest first."""

    items: list[Note]
    next_page_token: str | None


class UseConsent(AnswerModel):
    """What somebody has agreed to (C6). `at` is null for who was never asked."""

    kind: str
    given: bool
    at: Time | None
    actor: str | None
    via: str | None = Field(description="registration, account, staff or api.")


class UseConsents(OfCustomer):
    """Every kind once."""

    items: list[UseConsent]


class UseConsentsPast(UseConsents):
    """Every kind once, and the changes, newest first, at most 100."""

    changes: list[UseConsent]


class Removal(AnswerModel):
    """That it was done, by whom and when."""

    removal_id: Id
    customer_id: Id
    requested_by: str
    requested_at: Time
    finished_at: Time | None


class TimelineEvent(AnswerModel):
    """One thing that happened. `kind` is a stable word, such as joined, points, note, merged or order_placed."""

    at: Time
    kind: str
    actor: str | None
    customer_id: Id | None = Field(description="This account, or one that was merged into it.")
    text: str
    points: int | None
    order_id: Id | None
    order_number: int | None
    merge_run_id: Id | None


class TimelineOut(AnswerModel):
    """Newest first. `missing` names the parts that could not be reached: membership, orders, logins, messages."""

    items: list[TimelineEvent]
    next_page_token: str | None
    missing: list[str]


class TimelineQuery(PageQuery):
    """A window into the past."""


def note_json(note: pb.Note) -> Json:
    """As in Note."""
    return {
        "note_id": note.note_id,
        "text": note.text,
        "author": note.author,
        "at": when(note.at),
        "struck_by": note.struck_by or None,
        "struck_at": when_set(note, "struck_at"),
        "from_customer_id": note.from_customer_id or None,
    }


def use_json(use: registration.UseConsent) -> Json:
    """As in UseConsent."""
    return {
        "kind": use.kind,
        "given": use.given,
        "at": when_set(use, "at"),
        "actor": use.actor or None,
        "via": use.via or None,
    }


def removal_json(removal: pb.Removal) -> Json:
    """As in Removal."""
    return {
        "removal_id": removal.removal_id,
        "customer_id": removal.customer_id,
        "requested_by": removal.requested_by,
        "requested_at": when(removal.requested_at),
        "finished_at": when_set(removal, "finished_at"),
    }


def timeline_json(past: Timeline) -> Json:
    """As in TimelineOut."""
    return {
        "items": [event_json(event) for event in past.events],
        "next_page_token": past.next_token or None,
        "missing": list(past.missing),
    }


def event_json(event: Event) -> Json:
    """As in TimelineEvent."""
    return {
        "at": when(event.at),
        "kind": event.kind,
        "actor": event.actor or None,
        "customer_id": event.customer_id or None,
        "text": event.text,
        "points": event.points or None,
        "order_id": event.order_id or None,
        "order_number": event.order_number or None,
        "merge_run_id": event.merge_run_id or None,
    }


class DeletionPolicyIn(RequestModel):
    """Whom staff may delete."""

    policy: Literal["unless_online", "never"]

    def message(self) -> pb.SetDeletionPolicyRequest:
        """For the service."""
        request = pb.SetDeletionPolicyRequest()
        request.policy = pb.DeletionPolicy.Value(f"DELETION_POLICY_{self.policy.upper()}")
        return request


class DeletionPolicy(AnswerModel):
    """Whom staff may delete: who has not signed up online, or nobody. Erasure does not depend on it."""

    policy: Literal["unless_online", "never", "other"]


def policy_json(found: pb.GetDeletionPolicyResponse | pb.SetDeletionPolicyResponse) -> Json:
    """As in DeletionPolicy."""
    return {"policy": word(found.policy, _POLICY_WORDS)}
