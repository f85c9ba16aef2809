"""Who is at the counter: found by part of a phone or name as fast as one types, and shown with what a cashier wants to know (C8, H2)."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, request

from gateway import formats
from gateway.api.checked import answer, checked
from gateway.api.customers import CustomerPath
from gateway.api.fields import Json
from gateway.console import ask, ask_person, labels
from gateway.console.benefits import of_picked, words
from gateway.pos.frame import blueprint
from onefold.membership.v1.profiles_pb2 import DeletionPolicy
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from onefold.orders.v1.service_pb2 import Order
from services.common.permissions import MEMBERS_READ

FOUND_AT_ONCE = 8
LAST_ORDERS = 4
LAST_NOTES = 3
_TAIL = 4
_LIVE = {CustomerStatus.CUSTOMER_STATUS_GUEST, CustomerStatus.CUSTOMER_STATUS_MEMBER}


@blueprint.get("/data/members")
@checked(MEMBERS_READ)
def find_members() -> Response:
    """The newest few whose phone, name or e-mail has `q` in it: phones with or without country code, in any writing (C2)."""
    query = request.args.get("q", "").strip()
    found = _members_or_guests(query) if query else ()
    return answer({"items": [_summary(customer) for customer in found]})


def _members_or_guests(query: str) -> Sequence[Customer]:
    """Guests only where no member fits: looking for both at once takes twice as long."""
    members = ask.customers(query=query, size=FOUND_AT_ONCE, members_only=True).customers
    return members or ask.customers(query=query, size=FOUND_AT_ONCE).customers


@blueprint.get("/data/members/<customer_id>")
@checked(MEMBERS_READ)
def show_member(path: CustomerPath) -> Response:
    """One customer with benefits, last orders and notes; an id of a merged account leads to the one that stays (F10)."""
    found = ask.customer(path.customer_id)
    of_customer = [found.customer_id]
    orders = ask.if_up(lambda: ask.orders(customer_ids=of_customer, size=LAST_ORDERS).orders)
    notes = ask.if_up(lambda: ask_person.notes(found.customer_id, size=LAST_NOTES).notes)
    offered = of_picked(found.customer_id)
    return answer(
        _summary(found)
        | {
            "live": found.status in _LIVE,
            "birthday_text": ask.iso_day(found.birthday),
            "tags": list(found.tags),
            "deletable": not found.HasField("online_since") and _deletable(),
            "benefits": {
                "percent": offered.discount_percent,
                "level": offered.level_name,
                "points": offered.points_balance,
                "rate": offered.redeem_per_unit,
                "words": words(offered),
            },
            "orders": [_order(order) for order in orders or ()],
            "notes": [note.text for note in notes or () if not note.HasField("struck_at")],
        }
    )


def _deletable() -> bool:
    """Whether the store lets members be deleted at all (C10); where that cannot be found out, the attempt will tell."""
    return ask.if_up(ask_person.deletion_policy) != DeletionPolicy.DELETION_POLICY_NEVER


def _summary(found: Customer) -> Json:
    member = found.status == CustomerStatus.CUSTOMER_STATUS_MEMBER
    return {
        "id": found.customer_id,
        "name": found.name,
        "phone_text": ask.phone(found.phone),
        "phone_tail": found.phone[-_TAIL:],
        "email": found.email,
        "guest": not member,
        "status_text": str(labels.badge_of(labels.CUSTOMER_STATUS, found.status)[0]),
        "level": found.level_name,
        "points": found.points_balance,
        "birthday_month": bool(found.birthday) and int(found.birthday[5:7]) == ask.today().month,
    }


def _order(order: Order) -> Json:
    status, tone = labels.badge_of(labels.ORDER_STATUS, order.status)
    return {
        "order_id": order.order_id,
        "number": order.number,
        "day": ask.day(order.placed_at),
        "total_text": formats.money(order.total_minor, order.currency),
        "status_text": str(status),
        "tone": tone,
    }
