"""/api-keys: keys for programs (H4)."""

from __future__ import annotations

from typing import Annotated

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, Field

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import AnswerModel, Id, IdempotencyHeader, Json, PageQuery, RequestModel, Time, when, when_set
from gateway.clients import services
from gateway.roles import for_document
from onefold.identity_merge.v1 import keys_pb2 as keys
from onefold.identity_merge.v1 import service_pb2 as pb
from services.common import permissions

TAGS = [Tag(name="Access", description="Who one is, and keys for programs.")]
# The service says which are known; the document tells them.
ScopeWord = Annotated[str, Field(json_schema_extra={"enum": list(permissions.SCOPES)})]
_INT32 = 2**31 - 1


class ApiKeyIn(RequestModel):
    """A name for people, what the key may do, and for how long."""

    name: str
    scopes: list[ScopeWord] = Field(
        json_schema_extra={"minItems": 1}, description=f"What the key may do:\n\n{for_document(permissions.SCOPES)}"
    )
    valid_days: int = Field(
        default=0,
        ge=-_INT32,
        le=_INT32,
        description="How many days it is good; 0: until it is revoked.",
        json_schema_extra={"minimum": 0, "maximum": 3_650},
    )


class ApiKey(AnswerModel):
    """An API key."""

    api_key_id: Id
    name: str
    scopes: list[str]
    created_at: Time
    created_by: str
    expires_at: Time | None
    last_used_at: Time | None = Field(description="Noted at most every 5 minutes.")
    old_secret_until: Time | None = Field(
        description="In the list, while a secret before the newest still works: until when."
    )


class NewApiKey(ApiKey):
    """A key with its secret. Keep it: it is shown this once."""

    secret: str


class ApiKeyList(AnswerModel):
    """A page of keys."""

    items: list[ApiKey]
    next_page_token: str | None


class KeyPath(BaseModel):
    """Which key."""

    api_key_id: Id


@blueprint.get("/api-keys", tags=TAGS, responses={200: ApiKeyList})
@checked(permissions.API_KEYS_WRITE)
def list_api_keys(query: PageQuery) -> Response:
    """List API keys that are not revoked, newest first; only the store's owner can"""
    found = services().api_keys.list(keys.ListApiKeysRequest(page=query.page()))
    return answer(
        {"items": [key_json(key) for key in found.api_keys], "next_page_token": found.next_page_token or None}
    )


@blueprint.post("/api-keys", tags=TAGS, responses={201: NewApiKey})
@checked(permissions.API_KEYS_WRITE)
def create_api_key(header: IdempotencyHeader, body: ApiKeyIn) -> Response:
    """Make an API key; only the store's owner can

    The secret is in this answer and nowhere else, so a repeat makes another key.
    """
    request = pb.CreateApiKeyRequest(name=body.name, scopes=body.scopes, valid_days=body.valid_days)
    made = services().access.create_api_key(request, key=header.idempotency_key)
    return answer(key_json(made.api_key) | {"secret": made.secret}, 201)


@blueprint.post("/api-keys/<api_key_id>/rotation", tags=TAGS, responses={200: NewApiKey})
@checked(permissions.API_KEYS_WRITE)
def rotate_api_key(header: IdempotencyHeader, path: KeyPath) -> Response:
    """Give an API key another secret; the one before stays good for 24 hours

    The secret is in this answer and nowhere else, so a repeat makes another; none is lost by that within its 24 hours.
    """
    request = keys.RotateApiKeyRequest(api_key_id=path.api_key_id)
    made = services().api_keys.rotate(request, key=header.idempotency_key)
    shown = key_json(made.api_key) | {"old_secret_until": when(made.old_secret_until), "secret": made.secret}
    return answer(shown)


@blueprint.delete("/api-keys/<api_key_id>", tags=TAGS, responses={204: None})
@checked(permissions.API_KEYS_WRITE)
def revoke_api_key(header: IdempotencyHeader, path: KeyPath) -> Response:
    """Revoke an API key; within a second nothing is opened by it any more"""
    services().api_keys.revoke(keys.RevokeApiKeyRequest(api_key_id=path.api_key_id), key=header.idempotency_key)
    return Response(status=204)


def key_json(key: pb.ApiKey) -> Json:
    """As in ApiKey."""
    return {
        "api_key_id": key.api_key_id,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": when(key.created_at),
        "created_by": key.created_by,
        "expires_at": when_set(key, "expires_at"),
        "last_used_at": when_set(key, "last_used_at"),
        "old_secret_until": when_set(key, "old_secret_until"),
    }
