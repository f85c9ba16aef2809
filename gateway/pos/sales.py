"""Sales come in, from the till or from its queue: any number of times, and each is one order (E7, E8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from flask import Response
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import AwareDatetime, Field

from gateway.api.checked import answer, checked
from gateway.api.fields import Amount, ContactIn, IdempotencyHeader, RequestModel, WholeNumber
from gateway.api.order_models import METHODS, MethodWord, OrderLineIn, buyer_json
from gateway.auth import principal
from gateway.flows import Placed, place_order
from gateway.pos.frame import blueprint
from gateway.pos.receipts import receipt_json
from onefold.common.v1.common_pb2 import Contact
from onefold.orders.v1.service_pb2 import Channel, CreateOrderRequest, OrderLine
from services.common.errors import InvalidInput, StateConflict
from services.common.permissions import ORDERS_WRITE

# A sale may wait so long in a till without a line. Keys are remembered for 7 days from their first use (services/common/worker.py), so
# whatever comes within 6 days of the sale is known by its key; what comes later might be a second order, and a person must look.
LONGEST_WAIT = timedelta(days=6)
# An order needs a buyer, and it says so in the store's language, which is the same at every repeat.
_NOBODY = {"en": "Walk-in customer", "zh-Hant": "散客"}
_Moment = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), le=datetime(9000, 1, 1, tzinfo=UTC))]


class SaleIn(RequestModel):
    """A sale as the till took it. Without customer and contact it is that of somebody who just walked in.

    The level's discount is taken as it stands on the receipt that the customer has in hand, and not reckoned anew.
    """

    store_id: UUID = Field(description="Of the session that took the sale; it may be another's that sends it.")
    receipt: str
    taken_at: _Moment
    paid: bool
    customer_id: UUID | None = None
    contact: ContactIn | None = None
    add_as_member: bool = False
    currency: str
    lines: list[OrderLineIn]
    level_discount_minor: Amount = 0
    level_name: str = ""
    redeem_points: WholeNumber = 0
    payment_method: MethodWord = "cash"
    payment_reference: str = ""
    note: str = ""

    def message(self, nobody: str) -> CreateOrderRequest:
        """For the service; `nobody` is what to call a buyer of whom nothing is known."""
        contact = self.contact.message() if self.contact else Contact()
        if not self.customer_id and not contact.ByteSize():
            contact.name = nobody
        taken_at = Timestamp()
        taken_at.FromDatetime(self.taken_at)
        return CreateOrderRequest(
            paid=self.paid,
            customer_id=str(self.customer_id) if self.customer_id else "",
            contact=contact,
            add_as_member=self.add_as_member,
            channel=Channel.CHANNEL_POS,
            currency=self.currency,
            lines=[OrderLine(**line.model_dump()) for line in self.lines],
            note=self.note,
            external_reference=self.receipt,
            placed_at=taken_at,
            payment_method=METHODS[self.payment_method],
            payment_reference=self.payment_reference,
            level_discount_minor=self.level_discount_minor,
            level_name=self.level_name,
            points_redeemed=self.redeem_points,
        )


@blueprint.post("/data/sales")
@checked(ORDERS_WRITE)
def place_sale(header: IdempotencyHeader, body: SaleIn) -> Response:
    """Places the order, as of the time when the sale was taken; that is its place in net spend, levels and points, too.

    Raises StateConflict (sale_of_other_store), InvalidInput (sale_too_old), and what `place_order` raises.
    """
    if str(body.store_id) != principal().store.store_id:
        raise StateConflict("sale_of_other_store", receipt=body.receipt)
    if datetime.now(UTC) - body.taken_at > LONGEST_WAIT:
        raise InvalidInput.of("taken_at", "sale_too_old", days=str(LONGEST_WAIT.days), receipt=body.receipt)
    language = principal().store.language
    wish = body.message(_NOBODY.get(language, _NOBODY["en"]))
    return answer(_placed_json(place_order(wish, header.idempotency_key)), 201)


def _placed_json(placed: Placed) -> dict[str, object]:
    return receipt_json(placed.order) | {"customer": buyer_json(placed.buyer)}
