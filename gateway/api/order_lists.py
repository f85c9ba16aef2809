"""What a list of orders can be narrowed to, as programs send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

from pydantic import Field

from gateway.api.fields import Amount, PageQuery, QueryModel
from gateway.api.order_models import CHANNELS, STATUSES, ChannelWord, StatusWord
from gateway.days import begin_of, end_of
from gateway.exports import zone_of_store
from onefold.orders.v1 import service_pb2 as pb
from services.common.errors import InvalidInput, Violation

Day = Annotated[str, Field(json_schema_extra={"format": "date"})]
_NAMES = {"statuses": "status", "channels": "channel", "placed_before": "placed_to"}


class OrderFilter(QueryModel):
    """What orders must have in common; every part that is set narrows the list."""

    status: list[StatusWord] = Field(
        default_factory=list,
        description="Any of these; `partly_refunded`: a part, and not all, was given back, whatever the status.",
    )
    channel: list[ChannelWord] = Field(default_factory=list, description="Any of these.")
    customer_id: UUID | None = None
    placed_from: Day = Field(default="", description="Placed on this day of the store's time zone or later.")
    placed_to: Day = Field(default="", description="Placed on this day of the store's time zone or earlier.")
    total_from_minor: Amount | None = None
    total_to_minor: Amount | None = None
    query: str = Field(
        default="",
        description="An order number, or a part of the contact's name, phone or e-mail. `#1042` is the number alone.",
    )

    def message(self) -> pb.ListOrdersRequest:
        """For the service. Raises InvalidInput (invalid_date)."""
        zone = zone_of_store()
        return pb.ListOrdersRequest(
            customer_ids=[str(self.customer_id)] if self.customer_id else [],
            statuses=[STATUSES[word] for word in self.status],
            channels=[CHANNELS[word] for word in self.channel],
            placed_from=begin_of(self.placed_from, zone, "placed_from"),
            placed_before=end_of(self.placed_to, zone, "placed_to"),
            total_from_minor=self.total_from_minor,
            total_to_minor=self.total_to_minor,
            query=self.query,
        )


class OrdersQuery(OrderFilter, PageQuery):
    """A page of a list. A `page_token` belongs to one filter."""

    def message(self) -> pb.ListOrdersRequest:
        """For the service. Raises InvalidInput (invalid_date)."""
        asked = super().message()
        asked.page.CopyFrom(self.page())
        return asked


@contextmanager
def named_as_sent() -> Iterator[None]:
    """What is wrong with a filter, by the names that a query has for its parts."""
    try:
        yield
    except InvalidInput as error:
        violations = (Violation(_NAMES.get(v.field, v.field), v.reason, v.params) for v in error.violations)
        raise InvalidInput(*violations) from error
