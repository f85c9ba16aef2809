"""Staff of a store besides its owner."""

from __future__ import annotations

import grpc

from deploy.local.stack import Stack
from onefold.identity_merge.v1 import staff_pb2, staff_pb2_grpc
from services.common.tokens import ServiceClaims
from tests.component.gateway.conftest import Store, identity_channel, key, metadata
from tests.support.until import until


def colleague(stack: Stack, shop: Store, role: str) -> str:
    """Invites somebody, who joins; their session."""
    wish = {"email": f"{key()}@mail.example", "name": "陳小美", "role": role}
    return join(stack, shop, str(shop.post("/staff", wish).json()["invitation_id"]))


def join(stack: Stack, shop: Store, invitation_id: str) -> str:
    """Accepts by the newest token: the mail, which is on its way, may bring a newer one at any moment."""
    claims = ServiceClaims("service:tests", "service", shop.get("/me").json()["store"]["store_id"])
    visitor = ServiceClaims("customer:", "public")
    with identity_channel(stack) as channel:
        staff = staff_pb2_grpc.StaffServiceStub(channel)
        issue = staff_pb2.IssueInvitationRequest(invitation_id=invitation_id)

        def accepted() -> str:
            token = staff.IssueInvitation(issue, timeout=20, metadata=metadata(stack, claims)).token
            wish = staff_pb2.AcceptInvitationRequest(token=token, name="陳小美", password="correct horse battery")
            try:
                return staff.AcceptInvitation(wish, timeout=20, metadata=metadata(stack, visitor)).session.session_token
            except grpc.RpcError as error:
                if error.code() is not grpc.StatusCode.NOT_FOUND:
                    raise
                return ""

        return until(accepted, "the invitation is accepted")
