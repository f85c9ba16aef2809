"""/me and /api-keys: who one is, and keys for programs (H4)."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import Field

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import AnswerModel, Id, IdempotencyHeader, Json, RequestModel, Time, when
from gateway.auth import principal, role_name
from gateway.clients import services
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Access", description="Who one is, and keys for programs.")]
ScopeWord = Annotated[str, Field(json_schema_extra={"enum": list(permissions.SCOPES)})]


class ApiKeyIn(RequestModel):
    """A name for people, and what the key may do."""

    name: str
    scopes: list[ScopeWord] = Field(json_schema_extra={"minItems": 1})


class ApiKey(AnswerModel):
    """An API key."""

    api_key_id: Id
    name: str
    scopes: list[str]
    created_at: Time


class NewApiKey(ApiKey):
    """A new key. Keep the secret: it is shown this once."""

    secret: str


class StoreOut(AnswerModel):
    """The store."""

    store_id: Id
    slug: str
    name: str
    region: str
    currency: str
    timezone: str
    language: str


class StaffOut(AnswerModel):
    """A member of staff."""

    staff_id: Id
    email: str
    name: str
    role: str


class Me(AnswerModel):
    """Who holds the credential. One of `staff` and `api_key` is set."""

    actor: str
    permissions: list[str]
    store: StoreOut
    staff: StaffOut | None
    api_key: ApiKey | None


@blueprint.get("/me", tags=_TAGS, responses={200: Me})
@checked()
def who_am_i() -> Response:
    """Who holds this credential, and what it may do"""
    who = principal()
    return answer(
        {
            "actor": who.claims.actor,
            "permissions": sorted(who.permissions),
            "store": _store_json(who.store),
            "staff": _staff_json(who.staff) if who.staff else None,
            "api_key": _key_json(who.api_key) if who.api_key else None,
        }
    )


@blueprint.post("/api-keys", tags=_TAGS, responses={201: NewApiKey})
@checked(permissions.API_KEYS_WRITE)
def create_api_key(header: IdempotencyHeader, body: ApiKeyIn) -> Response:
    """Make an API key; only the store's owner can

    The secret is in this answer and nowhere else.
    """
    request = pb.CreateApiKeyRequest(name=body.name, scopes=body.scopes)
    made = services().access.create_api_key(request, key=header.idempotency_key)
    return answer(_key_json(made.api_key) | {"secret": made.secret}, 201)


def _store_json(store: pb.Store) -> Json:
    return {name: getattr(store, name) for name in StoreOut.model_fields}


def _staff_json(staff: pb.StaffMember) -> Json:
    return {
        "staff_id": staff.staff_id,
        "email": staff.email,
        "name": staff.name,
        "role": role_name(staff.role),
    }


def _key_json(key: pb.ApiKey) -> Json:
    return {
        "api_key_id": key.api_key_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": when(key.created_at),
    }
