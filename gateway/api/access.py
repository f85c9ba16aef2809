"""/me: who one is, and what one may do (H4)."""

from __future__ import annotations

from flask import Response

from gateway.api.base import blueprint
from gateway.api.checked import answer, checked
from gateway.api.fields import AnswerModel, Id, Json
from gateway.api.keys import TAGS, ApiKey, key_json
from gateway.auth import principal, role_name
from onefold.identity_merge.v1 import service_pb2 as pb


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


@blueprint.get("/me", tags=TAGS, responses={200: Me})
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
            "api_key": key_json(who.api_key) if who.api_key else None,
        }
    )


def _store_json(store: pb.Store) -> Json:
    return {name: getattr(store, name) for name in StoreOut.model_fields}


def _staff_json(staff: pb.StaffMember) -> Json:
    return {
        "staff_id": staff.staff_id,
        "email": staff.email,
        "name": staff.name,
        "role": role_name(staff.role),
    }
