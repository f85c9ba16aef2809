"""Customers, their points, login methods and messages, as programs send and read them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.api.fields import (
    Address,
    AnswerModel,
    Day,
    Id,
    Json,
    OfCustomer,
    RequestModel,
    Time,
    WholeNumber,
    address_json,
    when,
    when_set,
    word,
)
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import service_pb2 as pb

_STATUS_WORDS: dict[int, str] = {
    number: name.removeprefix("CUSTOMER_STATUS_").lower() for name, number in pb.CustomerStatus.items()
}
_REASON_WORDS: dict[int, str] = {
    number: name.removeprefix("POINTS_REASON_").lower() for name, number in pb.PointsReason.items()
}


class PointsIn(RequestModel):
    """Points given or taken by hand (B2)."""

    points: WholeNumber = Field(description="Positive awards, negative deducts; never 0.")
    expires_on: str = Field(
        default="",
        description="Last day of validity in the store's time zone; an award needs it.",
        examples=["2027-03-31"],
    )
    note: str = ""


class CustomerSummary(AnswerModel):
    """A customer as lists have it. Amounts are minor units of `currency`; texts are empty where unknown."""

    customer_id: Id
    status: Literal["guest", "member", "merged", "deleted", "erased", "other"]
    name: str
    phone: str
    email: str
    birthday: Day | None
    language: str
    addresses: list[Address]
    points_balance: int
    net_spend_minor: int
    currency: str
    orders_count: int
    created_at: Time
    joined_at: Time | None
    tags: list[str]
    online_since: Time | None = Field(description="When the person signed up on the online store (C10).")
    level_id: Id | None
    level_name: str | None
    level_until: Time | None = Field(description="When the level runs out unless it is earned again; null: never.")
    level_pinned_until: Time | None
    version: int


class MergedAccount(AnswerModel):
    """An account that this one absorbed (F13)."""

    customer_id: Id
    merge_run_id: Id
    name: str
    merged_at: Time


class Identifier(AnswerModel):
    """A phone or e-mail that a member owns."""

    kind: str = Field(description="phone or email.")
    value: str


class Customer(CustomerSummary):
    """A customer, whole. `customer_id` is not `requested_id` when that account was merged into this one (F10)."""

    requested_id: Id
    identifiers: list[Identifier] = Field(
        description="All phones, then all e-mails that a member owns, the main ones first."
    )
    merged_accounts: list[MergedAccount]


class CustomerList(AnswerModel):
    """In the order that was asked for."""

    items: list[CustomerSummary]
    next_page_token: str | None
    members_total: int | None = Field(
        description="Live members of the store; on the first page of a list without filters only."
    )


class PointsEntry(AnswerModel):
    """One line of the ledger, never changed once written (B4)."""

    entry_id: Id
    reason: str
    points: int
    note: str
    order_id: Id | None
    actor: str
    at: Time
    expires_at: Time | None = Field(description="When the lot that the line touched runs out.")
    lot_id: Id
    balance_after: int
    shortfall: int = Field(description="What a refund should have taken besides, and could not because it was spent.")


class PointsLot(AnswerModel):
    """Points that expire together."""

    lot_id: Id
    customer_id: Id
    remaining: int
    expires_at: Time | None


class PointsLedger(OfCustomer):
    """The ledger, newest first, with the balance and the lots that make it up."""

    balance: int
    lots: list[PointsLot]
    items: list[PointsEntry]
    next_page_token: str | None


class PointsBalance(OfCustomer):
    """The balance after a change."""

    balance: int


class LoginMethod(AnswerModel):
    """A way to log in; confirmed once its owner has proved to hold it."""

    login_method_id: Id
    customer_id: Id
    kind: str
    value: str
    confirmed_at: Time | None


class LoginMethodList(OfCustomer):
    """Oldest first."""

    items: list[LoginMethod]
    next_page_token: None


def summary_json(customer: pb.Customer, currency: str) -> Json:
    """As in CustomerSummary."""
    return {
        "customer_id": customer.customer_id,
        "status": word(customer.status, _STATUS_WORDS),
        "name": customer.name,
        "phone": customer.phone,
        "email": customer.email,
        "birthday": customer.birthday or None,
        "language": customer.language,
        "addresses": [address_json(address) for address in customer.addresses],
        "points_balance": customer.points_balance,
        "net_spend_minor": customer.net_spend_minor,
        "currency": currency,
        "orders_count": customer.orders_count,
        "created_at": when(customer.created_at),
        "joined_at": when_set(customer, "joined_at"),
        "tags": list(customer.tags),
        "online_since": when_set(customer, "online_since"),
        "level_id": customer.level_id or None,
        "level_name": customer.level_name or None,
        "level_until": when_set(customer, "level_until"),
        "level_pinned_until": when_set(customer, "level_pinned_until"),
        "version": customer.version,
    }


def customer_json(customer: pb.Customer, currency: str, requested_id: str) -> Json:
    """As in Customer."""
    return summary_json(customer, currency) | {
        "requested_id": requested_id,
        "identifiers": [{"kind": each.kind, "value": each.value} for each in customer.identifiers],
        "merged_accounts": [
            {
                "customer_id": m.customer_id,
                "merge_run_id": m.merge_run_id,
                "name": m.name,
                "merged_at": when(m.merged_at),
            }
            for m in customer.merged_accounts
        ],
    }


def ledger_json(found: pb.ListPointsEntriesResponse) -> Json:
    """As in PointsLedger."""
    return {
        "balance": found.balance,
        "lots": [lot_json(lot) for lot in found.lots],
        "items": [_entry_json(entry) for entry in found.entries],
        "next_page_token": found.next_page_token or None,
    }


def lot_json(lot: pb.PointsLot) -> Json:
    """As in PointsLot."""
    return {
        "lot_id": lot.lot_id,
        "customer_id": lot.customer_id,
        "remaining": lot.remaining,
        "expires_at": when_set(lot, "expires_at"),
    }


def login_method_json(method: identity.LoginMethod) -> Json:
    """As in LoginMethod."""
    return {
        "login_method_id": method.login_method_id,
        "customer_id": method.customer_id,
        "kind": method.kind,
        "value": method.value,
        "confirmed_at": when_set(method, "confirmed_at"),
    }


def _entry_json(entry: pb.PointsEntry) -> Json:
    return {
        "entry_id": entry.entry_id,
        "reason": word(entry.reason, _REASON_WORDS),
        "points": entry.points,
        "note": entry.note,
        "order_id": entry.order_id or None,
        "actor": entry.actor,
        "at": when(entry.at),
        "expires_at": when_set(entry, "expires_at"),
        "lot_id": entry.lot_id,
        "balance_after": entry.balance_after,
        "shortfall": entry.shortfall,
    }
