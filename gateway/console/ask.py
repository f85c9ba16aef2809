"""What the console asks: of the services, in the name of whoever is logged in; and of the request, how things are written.

Every function raises the error of the tree that the service raised (see gateway/clients).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from flask_babel import get_locale
from flask_babel import gettext as _
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import formats
from gateway.auth import principal
from gateway.clients import services
from gateway.console import labels
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import merging_pb2 as merging
from onefold.membership.v1 import service_pb2 as membership
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import carts_pb2 as carts_api
from onefold.orders.v1 import service_pb2 as orders_api
from services.common.errors import InvalidInput, NotFound, Unavailable, Violations

T = TypeVar("T")


def if_up(call: Callable[[], T]) -> T | None:
    """The answer, or None while the service cannot be reached: for the parts of a page that the rest can do without (E6)."""
    try:
        return call()
    except Unavailable:
        return None


@contextmanager
def noting(faults: Violations) -> Iterator[None]:
    """Collects what is wrong with one value, so that a form learns of all its faults at once."""
    try:
        yield
    except InvalidInput as error:
        faults.extend(error)


# How things are written for the store and the reader.


def store() -> identity.Store:
    """The store of whoever is logged in."""
    return principal().store


def locale() -> str:
    """The reader's locale."""
    return str(get_locale() or "en")


def zone() -> tzinfo:
    """The store's time zone."""
    return formats.zone_of(store().timezone)


def today() -> date:
    """The store's day."""
    return datetime.now(zone()).date()


def phone(e164: str) -> str:
    """A phone as people of the store write it."""
    return formats.phone(e164, store().region)


def money(minor: int) -> str:
    """An amount in the store's currency."""
    return formats.money(minor, store().currency)


def minor_digits() -> int:
    """Digits after the point of the store's currency."""
    return formats.digits(store().currency)


def day(stamp: Timestamp) -> str:
    """The day of a moment in the store's time zone."""
    return formats.day_text(formats.local_day(stamp, zone()), locale())


def iso_day(text: str) -> str:
    """An ISO date as it is read; empty stays empty."""
    return formats.day_text(date.fromisoformat(text), locale()) if text else ""


def person(somebody: Any) -> str:
    """What to call a customer or a contact: the name, else whatever else is known."""
    return somebody.name or phone(somebody.phone) or somebody.email or _("No name")


def tell_apart(people: Sequence[membership.Customer]) -> dict[str, str]:
    """Id → what to call each; those of one name, which is why they are merged, with what sets them apart."""
    names = Counter(person(each) for each in people)
    told = {}
    for each in people:
        name = person(each)
        other = phone(each.phone) or each.email or day(each.created_at)
        told[each.customer_id] = f"{name} · {other}" if names[name] > 1 and other != name else name
    return told


def actor(text: str) -> str:
    """Who did something. Of the staff only oneself is told apart: others are known by their ids alone."""
    kind, _colon, who = text.partition(":")
    if kind == "staff":
        staff = principal().staff
        return staff.name if staff and who == staff.staff_id else _("Staff")
    return labels.words_of(labels.ACTOR, kind)


# Orders


def orders(
    *, query: str = "", statuses: Sequence[int] = (), customer_ids: Sequence[str] = (), token: str = "", size: int = 0
) -> orders_api.ListOrdersResponse:
    """A page of orders, newest first."""
    page = PageRequest(size=size, token=token)
    wanted: Any = statuses  # an open enum: any number is a value
    wish = orders_api.ListOrdersRequest(page=page, query=query, statuses=wanted, customer_ids=customer_ids)
    return services().orders.list(wish)


def order_list(asked: orders_api.ListOrdersRequest, token: str = "") -> orders_api.ListOrdersResponse:
    """A page of a filtered list."""
    asked.page.CopyFrom(PageRequest(token=token))
    return services().orders.list(asked)


def order(order_id: str) -> orders_api.Order:
    """One order whole."""
    return services().orders.get(orders_api.GetOrderRequest(order_id=order_id)).order


def confirm_payment(order_id: str, method: int, reference: str, key: str) -> orders_api.Order:
    """The order, paid."""
    wish = orders_api.ConfirmPaymentRequest(order_id=order_id, reference=reference)
    wish.method = method  # type: ignore[assignment]  # an open enum
    return services().orders.confirm_payment(wish, key=key).order


def advance_order(wish: orders_api.AdvanceOrderRequest, key: str) -> orders_api.Order:
    """The order, further on."""
    return services().orders.advance(wish, key=key).order


def cancel_order(order_id: str, reason: str, key: str) -> orders_api.Order:
    """The order, cancelled."""
    return services().orders.cancel(orders_api.CancelOrderRequest(order_id=order_id, reason=reason), key=key).order


def refund_order(wish: orders_api.RefundOrderRequest, key: str) -> orders_api.Order:
    """The order with its refund."""
    return services().orders.refund(wish, key=key).order


def edit_contact(wish: orders_api.EditContactRequest, key: str) -> orders_api.Order:
    """The order with its new contact."""
    return services().orders.edit_contact(wish, key=key).order


def resend_email(order_id: str, key: str) -> orders_api.Order:
    """The order, whose e-mail is sent once more."""
    return services().orders.resend_email(orders_api.ResendOrderEmailRequest(order_id=order_id), key=key).order


def cart_of(customer_id: str) -> carts_api.Cart:
    """The member's open cart; an empty one where there is none."""
    wish = carts_api.GetCartRequest(cart=carts_api.CartRef(customer_id=customer_id))
    return services().carts.get(wish).cart


# Customers and points


def customer(customer_id: str) -> membership.Customer:
    """The customer, or whoever it was merged into."""
    return services().membership.get_customer(membership.GetCustomerRequest(customer_id=customer_id)).customer


def customers_by_id(ids: Iterable[str]) -> dict[str, membership.Customer]:
    """Id → the customer, or whoever it was merged into; ids that are nobody's are left out. For a page of a list: at most 100."""
    if not (wanted := sorted(set(ids))):
        return {}
    answer = services().membership.get_customers(membership.GetCustomersRequest(customer_ids=wanted))
    return {each.asked_id: each.customer for each in answer.found}


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """Id → what to call the customer; nobody while that cannot be found out."""
    found = if_up(lambda: customers_by_id(ids)) or {}
    return {customer_id: person(each) for customer_id, each in found.items()}


def name_of(customer_id: str) -> str:
    """What to call a customer; empty where that cannot be found out."""
    try:
        return person(customer(customer_id))
    except (NotFound, Unavailable):
        return ""


def customers(
    *, query: str = "", token: str = "", size: int = 0, members_only: bool = False
) -> membership.SearchCustomersResponse:
    """A page of customers, newest first."""
    page = PageRequest(size=size, token=token)
    return services().membership.search_customers(
        membership.SearchCustomersRequest(query=query, page=page, members_only=members_only)
    )


def points_entries(customer_id: str, token: str = "", size: int = 0) -> membership.ListPointsEntriesResponse:
    """A page of a customer's ledger, newest first, with the lots."""
    page = PageRequest(size=size, token=token)
    return services().membership.list_points_entries(
        membership.ListPointsEntriesRequest(customer_id=customer_id, page=page)
    )


def adjust_points(wish: membership.AdjustPointsRequest, key: str) -> int:
    """The balance afterwards."""
    return services().membership.adjust_points(wish, key=key).balance


# Logins, merges, messages


def login_methods(customer_id: str) -> Sequence[identity.LoginMethod]:
    """How a customer can log in, oldest first."""
    return services().logins.list_methods(identity.ListLoginMethodsRequest(customer_id=customer_id)).login_methods


def commit_merge(plan_id: str, plan_hash: str, key: str) -> identity.MergeRun:
    """The merge that now runs."""
    return services().merges.commit(identity.CommitMergeRequest(plan_id=plan_id, plan_hash=plan_hash), key=key).run


def merge(merge_run_id: str) -> identity.MergeRun:
    """One merge as it stands."""
    return services().merges.get(identity.GetMergeRequest(merge_run_id=merge_run_id)).run


def merges(*, token: str = "", size: int = 0) -> identity.ListMergesResponse:
    """A page of merges, newest first."""
    return services().merges.list(identity.ListMergesRequest(page=PageRequest(size=size, token=token)))


def merge_rules() -> Sequence[merging.MergeRule]:
    """How each kind of thing fares in a merge: the table that the service itself follows."""
    return services().merging.list_rules(merging.ListMergeRulesRequest()).rules


def merge_record(merge_run_id: str) -> merging.MergeRecord | None:
    """What a merge did; None where it has not come so far, or was done before records were kept."""
    try:
        return services().merging.get_record(merging.GetMergeRecordRequest(merge_run_id=merge_run_id)).record
    except NotFound:
        return None


def messages(*, order_id: str = "", customer_id: str = "") -> Sequence[notification.Message]:
    """The newest messages about an order or to a customer."""
    wish = notification.ListMessagesRequest(page=PageRequest(size=10), order_id=order_id, customer_id=customer_id)
    return services().notifications.list_messages(wish).messages
