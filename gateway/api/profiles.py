"""/customers/{id}: what is changed, noted, removed and remembered about one person (C4, C5, C9, C12, F13)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.customer_models import Customer, customer_json
from gateway.api.customers import of_customer
from gateway.api.fields import Id, IdempotencyHeader, PageQuery
from gateway.api.profile_models import (
    DeletionPolicy,
    DeletionPolicyIn,
    NoteIn,
    NoteList,
    NoteOf,
    PhoneIn,
    ProfileIn,
    Removal,
    RemovalIn,
    TagsIn,
    TimelineOut,
    TimelineQuery,
    UseConsents,
    UseConsentsIn,
    UseConsentsPast,
    note_json,
    policy_json,
    removal_json,
    timeline_json,
    use_json,
)
from gateway.auth import principal
from gateway.clients import services
from gateway.timeline import timeline
from onefold.membership.v1 import profiles_pb2 as pb
from onefold.membership.v1 import registration_pb2 as registration
from onefold.membership.v1 import service_pb2 as membership
from services.common import permissions

_TAGS = [Tag(name="Profiles", description="What is changed, noted, removed and remembered about one person.")]


class PersonPath(BaseModel):
    """Which customer; an id of a merged account will do, but for deletion and erasure."""

    customer_id: Id


class NotePath(PersonPath):
    """Which note about which customer."""

    note_id: Id


@blueprint.patch("/customers/<customer_id>", tags=_TAGS, responses={200: Customer})
@checked(permissions.MEMBERS_WRITE)
def change_profile(header: IdempotencyHeader, path: PersonPath, body: ProfileIn) -> Response:
    """Change a customer's profile (C4)

    409 `stale_version`: somebody else was faster. Read the customer again and repeat the change.
    """
    changed = services().profiles.change_profile(body.message(path.customer_id), key=header.idempotency_key)
    return answer(customer_json(changed.customer, principal().store.currency, path.customer_id))


@blueprint.put("/customers/<customer_id>/tags", tags=_TAGS, responses={200: Customer})
@checked(permissions.MEMBERS_NOTE)
def set_tags(header: IdempotencyHeader, path: PersonPath, body: TagsIn) -> Response:
    """Change a customer's tags, and nothing else (C4)

    409 `stale_version`: somebody else was faster. Read the customer again and repeat the change.
    """
    changed = services().profiles.change_profile(body.message(path.customer_id), key=header.idempotency_key)
    return answer(customer_json(changed.customer, principal().store.currency, path.customer_id))


@blueprint.delete("/customers/<customer_id>", tags=_TAGS, responses={200: Removal})
@checked(permissions.MEMBERS_WRITE)
def delete_customer(header: IdempotencyHeader, path: PersonPath, body: RemovalIn) -> Response:
    """Delete a customer for good (C9)

    409 `registered_online`: the person has signed up on the online store; merge the account instead (C10). After a 503 the
    deletion goes on by itself; the same request may be sent again.
    """
    request = pb.DeleteCustomerRequest(customer_id=path.customer_id, confirmation=body.confirmation)
    return answer(removal_json(services().profiles.delete(request, key=header.idempotency_key).removal))


@blueprint.post("/customers/<customer_id>/erasure", tags=_TAGS, responses={200: Removal})
@checked(permissions.MEMBERS_ERASE)
def erase_customer(header: IdempotencyHeader, path: PersonPath, body: RemovalIn) -> Response:
    """Erase a person for good, merged accounts, orders' contacts and messages included (C12); only the store's owner can"""
    request = pb.EraseCustomerRequest(customer_id=path.customer_id, confirmation=body.confirmation)
    return answer(removal_json(services().profiles.erase(request, key=header.idempotency_key).removal))


@blueprint.post("/customers/<customer_id>/phone", tags=_TAGS, responses={200: Customer})
@checked(permissions.MEMBERS_PHONE)
def change_phone(header: IdempotencyHeader, path: PersonPath, body: PhoneIn) -> Response:
    """Give a member another phone, with the consent recorded (C5); for staff alone

    The old number is free for others from then on; the new one waits for its owner's proof.
    """
    request = pb.ChangePhoneRequest(
        customer_id=path.customer_id,
        expected_version=body.expected_version,
        phone=body.phone,
        consent=pb.Consent(given=body.consent.given, note=body.consent.note),
    )
    changed = services().profiles.change_phone(request, key=header.idempotency_key)
    return answer(customer_json(changed.customer, principal().store.currency, path.customer_id))


@blueprint.get("/customers/<customer_id>/notes", tags=_TAGS, responses={200: NoteList})
@checked(permissions.MEMBERS_READ)
def list_notes(path: PersonPath, query: PageQuery) -> Response:
    """List the notes about a customer, newest first"""
    found = services().profiles.list_notes(pb.ListNotesRequest(customer_id=path.customer_id, page=query.page()))
    items = [note_json(note) for note in found.notes]
    return answer(of_customer(path.customer_id, {"items": items, "next_page_token": found.next_page_token or None}))


@blueprint.post("/customers/<customer_id>/notes", tags=_TAGS, responses={201: NoteOf})
@checked(permissions.MEMBERS_NOTE)
def add_note(header: IdempotencyHeader, path: PersonPath, body: NoteIn) -> Response:
    """Add a note about a customer"""
    request = pb.AddNoteRequest(customer_id=path.customer_id, text=body.text)
    note = services().profiles.add_note(request, key=header.idempotency_key).note
    return answer(of_customer(path.customer_id, note_json(note)), 201)


@blueprint.delete("/customers/<customer_id>/notes/<note_id>", tags=_TAGS, responses={200: NoteOf})
@checked(permissions.MEMBERS_NOTE)
def strike_note(header: IdempotencyHeader, path: NotePath) -> Response:
    """Strike a note: it stays, with who struck it and when"""
    request = pb.StrikeNoteRequest(customer_id=path.customer_id, note_id=path.note_id)
    note = services().profiles.strike_note(request, key=header.idempotency_key).note
    return answer(of_customer(path.customer_id, note_json(note)))


@blueprint.get("/customers/<customer_id>/consents", tags=_TAGS, responses={200: UseConsentsPast})
@checked(permissions.MEMBERS_READ)
def get_consents(path: PersonPath) -> Response:
    """Read what a customer has agreed to, and each change of it, newest first (C6)"""
    found = services().consents.get(registration.GetConsentsRequest(customer_id=path.customer_id))
    items, changes = list(map(use_json, found.consents)), list(map(use_json, found.changes))
    return answer(of_customer(path.customer_id, {"items": items, "changes": changes}))


@blueprint.put("/customers/<customer_id>/consents", tags=_TAGS, responses={200: UseConsents})
@checked(permissions.MEMBERS_WRITE)
def set_consents(header: IdempotencyHeader, path: PersonPath, body: UseConsentsIn) -> Response:
    """Record what a customer agrees to, or does not agree to any more (C6)

    Each change is kept for good: who recorded it, when, and by which way. What is so already is no change.
    """
    found = services().consents.set(body.message(path.customer_id), key=header.idempotency_key)
    return answer(of_customer(path.customer_id, {"items": list(map(use_json, found.consents))}))


@blueprint.get("/deletion-policy", tags=_TAGS, responses={200: DeletionPolicy})
@checked(permissions.MEMBERS_READ)
def get_deletion_policy() -> Response:
    """Read whom staff may delete (C10)"""
    return answer(policy_json(services().profiles.get_policy(pb.GetDeletionPolicyRequest())))


@blueprint.put("/deletion-policy", tags=_TAGS, responses={200: DeletionPolicy})
@checked(permissions.MEMBER_SETTINGS_WRITE)
def set_deletion_policy(header: IdempotencyHeader, body: DeletionPolicyIn) -> Response:
    """Say whom staff may delete (C10); only the store's owner can, and no API key: keys delete, so none may undo what holds it"""
    return answer(policy_json(services().profiles.set_policy(body.message(), key=header.idempotency_key)))


@blueprint.get("/customers/<customer_id>/timeline", tags=_TAGS, responses={200: TimelineOut})
@checked(permissions.MEMBERS_READ)
def read_timeline(path: PersonPath, query: TimelineQuery) -> Response:
    """Read what has happened to a customer, newest first (F13)

    Gathered from all services; `missing` names those that could not be reached.
    """
    found = services().membership.get_customer(membership.GetCustomerRequest(customer_id=path.customer_id)).customer
    return answer(timeline_json(timeline(found, query.page_size, query.page_token)))
