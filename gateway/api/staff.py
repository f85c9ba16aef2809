"""/staff: who works for the store (H1). For owners who are logged in: no API key has the permission, so none makes itself a way back."""

from __future__ import annotations

from typing import Literal

from flask import Response
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel

from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import AnswerModel, Id, IdempotencyHeader, Json, PageQuery, RequestModel, Time, when_set
from gateway.auth import role_name
from gateway.clients import services
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.identity_merge.v1 import staff_pb2 as pb
from services.common.permissions import STAFF_WRITE

_TAGS = [
    Tag(
        name="Staff",
        description="Who works for the store. Takes the session token of an owner; API keys have no say here.",
    )
]
RoleWord = Literal["owner", "manager", "cashier", "support"]


class StaffPath(BaseModel):
    """Which member of staff."""

    staff_id: Id


class InvitationPath(BaseModel):
    """Which invitation."""

    invitation_id: Id


class InvitationIn(RequestModel):
    """Somebody who is to work for the store."""

    email: str
    name: str
    role: RoleWord


class StaffChangeIn(RequestModel):
    """What to change; what is left out stays."""

    name: str | None = None
    role: RoleWord | None = None


class StaffEntry(AnswerModel):
    """A member of staff, or an invitation that waits: then `invitation_id` and `expires_at` are set, and `staff_id` is null."""

    staff_id: Id | None
    invitation_id: Id | None
    email: str
    name: str
    role: str
    second_factor: bool
    joined_at: Time | None
    last_seen: Time | None
    expires_at: Time | None


class StaffList(AnswerModel):
    """A page of them."""

    items: list[StaffEntry]
    next_page_token: str | None


@blueprint.get("/staff", tags=_TAGS, responses={200: StaffList})
@checked(STAFF_WRITE)
def list_staff(query: PageQuery) -> Response:
    """List staff and open invitations by name"""
    found = services().staff.list(pb.ListStaffRequest(page=query.page()))
    items = [_entry_json(entry) for entry in found.entries]
    return answer({"items": items, "next_page_token": found.next_page_token or None})


@blueprint.post("/staff", tags=_TAGS, responses={201: StaffEntry})
@checked(STAFF_WRITE)
def invite_staff(header: IdempotencyHeader, body: InvitationIn) -> Response:
    """Invite somebody by e-mail

    The link in the mail is good for 7 days. A second invitation to the same address takes the place of the first.
    """
    wish = pb.InviteStaffRequest(email=body.email, name=body.name, role=_role(body.role))
    return created(_entry_json(services().staff.invite(wish, key=header.idempotency_key).entry), f"{PREFIX}/staff")


@blueprint.patch("/staff/<staff_id>", tags=_TAGS, responses={200: StaffEntry})
@checked(STAFF_WRITE)
def change_staff(header: IdempotencyHeader, path: StaffPath, body: StaffChangeIn) -> Response:
    """Give a member of staff another name or role

    409 `last_owner`: a store needs one.
    """
    wish = pb.ChangeStaffRequest(staff_id=path.staff_id, name=body.name or "", role=_role(body.role))
    return answer(_entry_json(services().staff.change(wish, key=header.idempotency_key).entry))


@blueprint.delete("/staff/<staff_id>", tags=_TAGS, responses={204: None})
@checked(STAFF_WRITE)
def remove_staff(header: IdempotencyHeader, path: StaffPath) -> Response:
    """End somebody's access and sessions for good

    Removing who is gone is no error. 409 `last_owner`: a store needs one.
    """
    services().staff.remove(pb.RemoveStaffRequest(staff_id=path.staff_id), key=header.idempotency_key)
    return Response(status=204)


@blueprint.delete("/staff/invitations/<invitation_id>", tags=_TAGS, responses={204: None})
@checked(STAFF_WRITE)
def withdraw_invitation(header: IdempotencyHeader, path: InvitationPath) -> Response:
    """Withdraw an invitation that nobody has accepted"""
    services().staff.withdraw(
        pb.WithdrawInvitationRequest(invitation_id=path.invitation_id), key=header.idempotency_key
    )
    return Response(status=204)


def _role(word: RoleWord | None) -> identity.StaffRole.ValueType:
    return identity.StaffRole.Value(f"STAFF_ROLE_{word.upper()}") if word else identity.STAFF_ROLE_UNSPECIFIED


def _entry_json(entry: pb.StaffEntry) -> Json:
    return {
        "staff_id": entry.staff.staff_id or None,
        "invitation_id": entry.invitation_id or None,
        "email": entry.staff.email,
        "name": entry.staff.name,
        "role": role_name(entry.staff.role),
        "second_factor": entry.totp,
        "joined_at": when_set(entry, "joined_at"),
        "last_seen": when_set(entry, "last_seen"),
        "expires_at": when_set(entry, "expires_at"),
    }
