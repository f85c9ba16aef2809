"""What the console asks about invitations of guests."""

from __future__ import annotations

import time

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import invitations_pb2 as pb

# How long a page waits for a run before it shows how far it is; the worker looks for work every two seconds.
_SHORTLY_SECONDS = 2.5
_LOOK_SECONDS = 0.1


def count(query: str) -> pb.CountInviteesResponse:
    """How many addresses of a list can be written to."""
    return services().invitations.count_invitees(pb.CountInviteesRequest(query=query))


def invite(ids: list[str], greeting: str, key: str) -> list[pb.InvitationOutcome]:
    """What became of each wish."""
    wish = pb.InviteGuestsRequest(customer_ids=ids, greeting=greeting)
    return list(services().invitations.invite(wish, key=key).outcomes)


def invite_all(query: str, greeting: str, key: str) -> pb.InvitationRun:
    """The run; a small one is at its end already, for that is waited for a little."""
    wish = pb.InviteAllGuestsRequest(query=query, greeting=greeting)
    found = services().invitations.invite_all(wish, key=key).run
    until = time.monotonic() + _SHORTLY_SECONDS
    while not is_over(found) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = run(found.run_id)
    return found


def run(run_id: str) -> pb.InvitationRun:
    """A run as it stands."""
    return services().invitations.get_run(pb.GetInvitationRunRequest(run_id=run_id)).run


def is_over(found: pb.InvitationRun) -> bool:
    """Whether it is at its end."""
    return found.state == pb.INVITATION_RUN_STATE_DONE


def invited(token: str = "") -> pb.ListInvitationsResponse:
    """A page of invitations, newest first."""
    return services().invitations.list(pb.ListInvitationsRequest(page=PageRequest(token=token)))
