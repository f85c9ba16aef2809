"""Calls to membership, with a deadline each; never made inside a transaction."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.membership.v1 import benefits_pb2 as pb
from onefold.membership.v1.benefits_pb2_grpc import BenefitsServiceStub
from services.common import rpc
from services.common.errors import InvalidInput, Unavailable, Violation
from services.common.idempotency import Once
from services.common.rpc import Caller
from services.common.tokens import ServiceClaims
from services.orders.domain import Order

# A cashier is waiting, and can take the order without points.
RESERVE_SECONDS = 2.0


class Membership:
    """What orders ask of membership."""

    def __init__(self, target: str, caller: Caller) -> None:
        """The channel connects when first used."""
        self._channel: aio.Channel = rpc.channel(target)
        self._benefits = BenefitsServiceStub(self._channel)
        self._caller = caller

    async def reserve_points(
        self, claims: ServiceClaims, once: Once[Order], customer_id: UUID, points: int, due: int
    ) -> tuple[UUID, int]:
        """Takes points for an order: (the id that it gets, what they pay). The same key gets the same (B2, E7).

        Raises InvalidInput (points_above_due, points_too_few), NotFound (customer_not_found), StateConflict
        (points_insufficient, points_not_redeemable, not_a_member), Unavailable (points_unavailable).
        """
        request = pb.ReservePointsRequest(customer_id=str(customer_id), points=points, due_minor=due)
        try:
            answer = await self._caller.call(
                self._benefits.ReservePoints,
                request,
                claims,
                seconds=RESERVE_SECONDS,
                idempotency_key=once.key,
                # The customer may have been merged since the order was first asked for.
                asked=once.fingerprint.hex(),
            )
        except InvalidInput as error:
            raise InvalidInput(*(Violation("points_redeemed", v.reason, v.params) for v in error.violations)) from error
        except Unavailable as error:
            raise Unavailable("points_unavailable", error.reason) from error
        return UUID(answer.order_id), answer.discount_minor

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()
