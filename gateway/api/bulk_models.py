"""Runs that change many orders, as programs start and watch them."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import AnswerModel, Id, Json, RequestModel, Time, when, when_set, word
from gateway.api.order_lists import OrderFilter
from gateway.api.order_models import METHODS, STATUSES, MethodWord, StatusWord
from gateway.reasons import sentence_of
from onefold.orders.v1 import bulk_pb2 as pb

_STATE_WORDS: dict[int, str] = {
    number: name.removeprefix("BULK_RUN_STATE_").lower() for name, number in pb.BulkRunState.items() if number
}
_STATUS_WORDS: dict[int, str] = {number: name for name, number in STATUSES.items()}
_METHOD_WORDS: dict[int, str] = {number: name for name, number in METHODS.items()}
_Count = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, json_schema_extra={"minimum": 0})]


class OrderRunPath(BaseModel):
    """Which run."""

    run_id: Id


class SelectionIn(RequestModel):
    """Which orders: those named, or all that a list would show. At most 10,000."""

    order_ids: list[UUID] = Field(default_factory=list, json_schema_extra={"maxItems": 10_000})
    filter: OrderFilter | None = Field(default=None, description="Instead of `order_ids`. Empty: every order.")
    expected_count: _Count = Field(default=0, description="How many orders you expect it to be; 0 skips the check.")
    note: str = Field(
        default="", description="Why; for the history of each order.", json_schema_extra={"maxLength": 500}
    )

    def start(self) -> pb.StartBulkRunRequest:
        """For the service; what is to become of the orders is to be added. Raises InvalidInput."""
        selection = pb.OrderSelection(order_ids=[str(order_id) for order_id in self.order_ids])
        if self.filter is not None:
            selection.filter.CopyFrom(self.filter.message())
        return pb.StartBulkRunRequest(selection=selection, note=self.note, expected_count=self.expected_count)


class StatusRunIn(SelectionIn):
    """Brings many orders further."""

    status: Literal["processing", "shipped", "completed"]

    def message(self) -> pb.StartBulkRunRequest:
        """For the service. Raises InvalidInput."""
        wish = self.start()
        wish.goal = STATUSES[self.status]
        return wish


class RefundRunIn(SelectionIn):
    """Notes for many orders that all that is left was given back."""

    method: MethodWord = "other"

    def message(self) -> pb.StartBulkRunRequest:
        """For the service. Raises InvalidInput."""
        wish = self.start()
        wish.goal, wish.method = STATUSES["refunded"], METHODS[self.method]
        return wish


class OrderRun(AnswerModel):
    """A run. It goes on by itself, and ends as `done`."""

    run_id: Id
    state: Literal["queued", "running", "done", "other"]
    status: StatusWord | Literal["other"] = Field(description="What the orders become; `refunded`: refunded in full.")
    method: MethodWord | None = Field(description="Of refunds.")
    note: str
    done: int = Field(description="Orders tried by now.")
    total: int = Field(description="Of how many.")
    refused_count: int = Field(description="Orders among these that stayed as they are.")
    requested_by: str
    requested_at: Time
    started_at: Time | None
    finished_at: Time | None


class OrderRunList(AnswerModel):
    """Runs, newest first."""

    items: list[OrderRun]
    next_page_token: str | None


class RefusedOrder(AnswerModel):
    """An order that stayed as it is."""

    order_id: Id
    number: int | None
    reason: str = Field(description="Stable word; see the list of problems.")
    detail: str = Field(description="The same in the language of Accept-Language.")
    status: StatusWord | Literal["other"] | None = Field(description="As it is now; null where there is no such order.")


class RefusedOrderList(AnswerModel):
    """Orders that a run could not change, in the order in which they were chosen."""

    items: list[RefusedOrder]
    next_page_token: str | None


def run_json(run: pb.BulkRun) -> Json:
    """As in OrderRun."""
    return {
        "run_id": run.run_id,
        "state": word(run.state, _STATE_WORDS),
        "status": word(run.goal, _STATUS_WORDS),
        "method": _METHOD_WORDS.get(run.method),
        "note": run.note,
        "done": run.done,
        "total": run.total,
        "refused_count": run.refused_count,
        "requested_by": run.requested_by,
        "requested_at": when(run.requested_at),
        "started_at": when_set(run, "started_at"),
        "finished_at": when_set(run, "finished_at"),
    }


def refused_json(order: pb.RefusedOrder) -> Json:
    """As in RefusedOrder."""
    return {
        "order_id": order.order_id,
        "number": order.number or None,
        "reason": order.reason,
        "detail": sentence_of(order.reason),
        "status": word(order.status, _STATUS_WORDS) if order.status else None,
    }
