"""/invitations: guests who have ordered are invited to become members (A5)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway import invitations
from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader, PageQuery
from gateway.api.invitation_models import (
    InvitationList,
    InvitationRun,
    InvitationRunIn,
    InvitationRunPath,
    InvitationsIn,
    InviteeList,
    InviteesQuery,
    OutcomeList,
    invitation_json,
    invitee_json,
    outcome_json,
    run_json,
)
from gateway.auth import principal
from gateway.clients import services
from onefold.membership.v1 import invitations_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Invitations", description="Guests who have ordered are invited to become members, by e-mail.")]


@blueprint.get("/invitees", tags=_TAGS, responses={200: InviteeList})
@checked(permissions.MEMBERS_READ)
def list_invitees(query: InviteesQuery) -> Response:
    """List guests who have an e-mail and an order, newest first, and whether they can be invited now"""
    found, token = invitations.guests(query.q, query.page())
    currency = principal().store.currency
    return answer({"items": [invitee_json(guest, currency) for guest in found], "next_page_token": token or None})


@blueprint.post("/invitations", tags=_TAGS, responses={200: OutcomeList})
@checked(permissions.MEMBERS_WRITE)
def invite_guests(header: IdempotencyHeader, body: InvitationsIn) -> Response:
    """Invite up to 100 guests

    An address is invited at most once in seven days, whichever guest gave it. Whoever cannot be invited is told with the reason, and
    holds up nobody else.
    """
    wish = pb.InviteGuestsRequest(customer_ids=[str(i) for i in body.customer_ids], greeting=body.greeting)
    done = services().invitations.invite(wish, key=header.idempotency_key)
    return answer({"items": [outcome_json(outcome) for outcome in done.outcomes]})


@blueprint.get("/invitations", tags=_TAGS, responses={200: InvitationList})
@checked(permissions.MEMBERS_READ)
def list_invitations(query: PageQuery) -> Response:
    """List the last invitation to each address, newest first, with what became of it"""
    found = services().invitations.list(pb.ListInvitationsRequest(page=query.page()))
    return answer(
        {
            "items": [invitation_json(each) for each in invitations.with_states(found.invitations)],
            "next_page_token": found.next_page_token or None,
            "invited_count": found.invited_count,
            "accepted_count": found.accepted_count,
        }
    )


@blueprint.post("/invitation-runs", tags=_TAGS, responses={202: InvitationRun})
@checked(permissions.MEMBERS_WRITE)
def start_invitation_run(header: IdempotencyHeader, body: InvitationRunIn) -> Response:
    """Invite all guests of a list, up to 10,000 addresses

    Goes on by itself, some 25 a second. One run of a store at a time.
    """
    wish = pb.InviteAllGuestsRequest(query=body.q, greeting=body.greeting)
    run = services().invitations.invite_all(wish, key=header.idempotency_key).run
    return created(run_json(run), f"{PREFIX}/invitation-runs/{run.run_id}", 202)


@blueprint.get("/invitation-runs/<run_id>", tags=_TAGS, responses={200: InvitationRun})
@checked(permissions.MEMBERS_READ)
def get_invitation_run(path: InvitationRunPath) -> Response:
    """Watch a run; `done` is its end"""
    return answer(run_json(services().invitations.get_run(pb.GetInvitationRunRequest(run_id=path.run_id)).run))
