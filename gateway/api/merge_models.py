"""Merges as programs send and read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from pydantic import Field

from gateway.api.customer_models import CustomerSummary, lot_json, summary_json
from gateway.api.fields import AnswerModel, Id, Json, PageQuery, RequestModel, Time, WholeNumber, when, when_set, word
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import merging_pb2 as merging
from onefold.membership.v1 import service_pb2 as membership
from onefold.orders.v1 import merging_pb2 as relinking
from onefold.orders.v1 import service_pb2 as orders

_STATE_WORDS: dict[int, str] = {
    number: name.removeprefix("MERGE_STATE_").lower() for name, number in pb.MergeState.items()
}


class AdjustmentIn(RequestModel):
    """Points given or taken as part of the merge (F2)."""

    points: WholeNumber = 0
    expires_on: str = Field(default="", description="Last day of validity; an award needs it.", examples=["2027-03-31"])
    description: str = ""

    def message(self) -> membership.PointsAdjustment:
        """For the service."""
        return membership.PointsAdjustment(points=self.points, expires_on=self.expires_on, description=self.description)


class PlanIn(RequestModel):
    """Who shall become one, and which account stays (F1, F3)."""

    customer_ids: list[UUID] = Field(
        description="2 to 5 different members, the primary among them.",
        json_schema_extra={"minItems": 2, "maxItems": 5},
    )
    primary_id: UUID
    adjustment: AdjustmentIn | None = None


class MergeIn(RequestModel):
    """The plan that a person has checked (F4)."""

    plan_id: UUID
    plan_hash: str


class MergesQuery(PageQuery):
    """Which merges."""

    customer_id: UUID | None = Field(default=None, description="Those in which this customer took part.")


class Adjustment(AnswerModel):
    """Points given (positive) or taken (negative) with the merge."""

    points: int
    expires_on: str
    description: str


class AccountOrders(AnswerModel):
    """What an account's orders come to."""

    customer_id: Id
    unpaid_count: int
    settled_count: int
    net_spend_minor: int
    under_way_count: int = Field(description="Paid within 60 days and not completed; at most 100.")


class FieldOutcome(AnswerModel):
    """One field of the primary after the merge, and where its value comes from."""

    field: str
    value: str = Field(
        description="Days and times in ISO 8601, money in minor units, a lot of points as “points last-moment”, many lots of one month "
        "as “points first-moment/last-moment”."
    )
    from_customer_id: Id | None = Field(description="Null: all accounts together make it, or the merge itself adds it.")


class AccountFact(AnswerModel):
    """What an account has before the merge, by the fields of the outcome."""

    field: str
    value: str
    customer_id: Id


class CartLine(AnswerModel):
    """An item in an open cart."""

    item_id: Id
    quantity: int


class PlannedLogin(AnswerModel):
    """A way to log in. The primary's stay, all others end (F3)."""

    customer_id: Id
    kind: str = Field(description="phone, email or a provider.")
    value: str
    confirmed: bool


class PlannedLot(AnswerModel):
    """Points that will expire together, and whose they are now."""

    lot_id: Id
    customer_id: Id | None = Field(description="Null for points that the merge itself gives.")
    remaining: int
    expires_at: Time | None
    expires_from: Time | None = Field(
        description="Set where there are many lots: those of one month are told of as one, and the first of them run out then."
    )


class RetiredIdentifier(AnswerModel):
    """An identifier that nobody can use again after the merge (F6)."""

    kind: str
    value: str
    customer_id: Id


class Plan(AnswerModel):
    """What a merge would do (F8). Valid for an hour, or until one of the accounts changes."""

    plan_id: Id
    plan_hash: str
    primary_id: Id
    merged_ids: list[Id]
    adjustment: Adjustment
    expires_at: Time
    accounts: list[CustomerSummary]
    orders: list[AccountOrders]
    facts: list[AccountFact]
    fields: list[FieldOutcome]
    logins: list[PlannedLogin]
    cart: list[CartLine] = Field(description="The primary's open cart afterwards.")
    cart_left_out: list[CartLine] = Field(description="What has no room in it.")
    points_before: int
    points_after: int
    lots: list[PlannedLot]
    retired: list[RetiredIdentifier]
    warnings: list[str]


class Merge(AnswerModel):
    """A merge under way or done. It finishes by itself (F9)."""

    merge_run_id: Id
    state: Literal["planned", "absorbed", "logins_retired", "completed", "refused", "other"]
    primary_id: Id
    merged_ids: list[Id]
    adjustment: Adjustment
    orders_moved: int
    refusal: str | None = Field(description="The reason, in state refused: nothing was changed then.")
    started_by: str
    started_at: Time
    finished_at: Time | None


class EndedLogin(AnswerModel):
    """A login that a merge ended. Only its beginning or end is kept."""

    customer_id: Id
    kind: str = Field(description="phone, email or a provider.")
    mask: str = Field(examples=["••• 53"])
    confirmed_at: Time | None


class MergeRecord(AnswerModel):
    """What a merge did, written down as it did it (F13). Once the person is deleted or erased, what is personal is taken out."""

    merge_run_id: Id
    primary_id: Id
    merged_ids: list[Id]
    earlier_ids: list[Id] = Field(description="Accounts that had been merged into the merged ones before.")
    merged_at: Time
    merged_by: str
    adjustment: Adjustment
    facts: list[AccountFact]
    fields: list[FieldOutcome]
    ended_logins: list[EndedLogin]
    forgotten: bool = Field(description="True once what is personal has been taken out.")


class MergeList(AnswerModel):
    """Newest first."""

    items: list[Merge]
    next_page_token: str | None


def plan_json(plan: pb.MergePlan, currency: str) -> Json:
    """As in Plan."""
    preview = plan.preview
    return {
        "plan_id": plan.plan_id,
        "plan_hash": plan.plan_hash,
        "primary_id": plan.primary_id,
        "merged_ids": list(plan.merged_ids),
        "adjustment": _adjustment_json(plan.adjustment),
        "expires_at": when(plan.expires_at),
        "accounts": [summary_json(account, currency) for account in preview.accounts],
        "orders": [_orders_json(entry, plan.relink) for entry in plan.orders],
        "facts": _facts_json(preview.facts),
        "fields": _fields_json(preview.fields),
        "logins": [_login_json(login) for login in plan.logins],
        "cart": [_line_json(line) for line in plan.relink.cart],
        "cart_left_out": [_line_json(line) for line in plan.relink.left_out],
        "points_before": preview.points_before,
        "points_after": preview.points_after,
        "lots": [_lot_json(lot) for lot in preview.lots],
        "retired": [{"kind": r.kind, "value": r.value, "customer_id": r.customer_id} for r in preview.retired],
        "warnings": list(preview.warnings),
    }


def merge_json(run: pb.MergeRun) -> Json:
    """As in Merge."""
    return {
        "merge_run_id": run.merge_run_id,
        "state": word(run.state, _STATE_WORDS),
        "primary_id": run.primary_id,
        "merged_ids": list(run.merged_ids),
        "adjustment": _adjustment_json(run.adjustment),
        "orders_moved": run.orders_moved,
        "refusal": run.refusal or None,
        "started_by": run.started_by,
        "started_at": when(run.started_at),
        "finished_at": when_set(run, "finished_at"),
    }


def record_json(record: merging.MergeRecord, run: pb.MergeRun) -> Json:
    """As in MergeRecord."""
    return {
        "merge_run_id": record.merge_run_id,
        "primary_id": record.primary_id,
        "merged_ids": list(record.merged_ids),
        "earlier_ids": list(record.earlier_ids),
        "merged_at": when(record.merged_at),
        "merged_by": record.actor,
        "adjustment": _adjustment_json(record.adjustment),
        "facts": _facts_json(record.facts),
        "fields": _fields_json(record.fields),
        "ended_logins": [_ended_json(login) for login in run.ended_logins],
        "forgotten": record.forgotten,
    }


def _facts_json(facts: Iterable[membership.AccountFact]) -> list[Json]:
    return [{"field": f.field, "value": f.value, "customer_id": f.customer_id} for f in facts]


def _fields_json(fields: Iterable[membership.FieldOutcome]) -> list[Json]:
    return [{"field": f.field, "value": f.value, "from_customer_id": f.from_customer_id or None} for f in fields]


def _ended_json(login: pb.EndedLogin) -> Json:
    return {
        "customer_id": login.customer_id,
        "kind": login.kind,
        "mask": login.mask,
        "confirmed_at": when_set(login, "confirmed_at"),
    }


def _adjustment_json(adjustment: membership.PointsAdjustment) -> Json:
    return {"points": adjustment.points, "expires_on": adjustment.expires_on, "description": adjustment.description}


def _login_json(login: pb.LoginMethod) -> Json:
    confirmed = login.HasField("confirmed_at")
    return {"customer_id": login.customer_id, "kind": login.kind, "value": login.value, "confirmed": confirmed}


def _line_json(line: relinking.RelinkedLine) -> Json:
    return {"item_id": line.item.item_id, "quantity": line.quantity}


def _orders_json(entry: orders.CustomerOrders, relink: relinking.PreviewRelinkResponse) -> Json:
    under_way = {account.customer_id: account.under_way_count for account in relink.accounts}
    return {
        "customer_id": entry.customer_id,
        "unpaid_count": entry.unpaid_count,
        "settled_count": entry.settled_count,
        "net_spend_minor": entry.net_spend_minor,
        "under_way_count": under_way.get(entry.customer_id, 0),
    }


def _lot_json(lot: membership.PointsLot) -> Json:
    return {
        **lot_json(lot),
        "customer_id": lot.customer_id or None,
        "expires_from": when_set(lot, "expires_from"),
    }
