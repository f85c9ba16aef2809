"""What is kept about a member, as the file of download.py tells it. Keys are a promise: none is ever renamed or taken away."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from onefold.common.v1.common_pb2 import Address
from onefold.identity_merge.v1.accounts_pb2 import SessionInfo
from onefold.identity_merge.v1.service_pb2 import LoginMethod
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1 import service_pb2 as membership
from onefold.membership.v1.registration_pb2 import UseConsent
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import service_pb2 as orders

Json = dict[str, Any]
_WHO = {"customer": "you", "staff": "store", "api_key": "store"}


def _time(message: Message, field: str) -> str | None:
    """A time of a message; None where it is not set."""
    stamp: Timestamp = getattr(message, field)
    return stamp.ToDatetime(tzinfo=UTC).isoformat() if message.HasField(field) else None


def _word(kind: Any, number: int, prefix: str) -> str:
    """The word of a contract's code; the number itself for one that a later release has."""
    known = {value: str(name) for name, value in kind.items()}
    return known[number].removeprefix(prefix).lower() if number in known else str(number)


def _who(actor: str) -> str:
    """you, store or system: of the store's people no more than that."""
    return _WHO.get(actor.partition(":")[0], "system")


def profile(person: membership.Customer) -> Json:
    """The account itself."""
    return {
        "customer_id": person.customer_id,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "birthday": person.birthday or None,
        "language": person.language or None,
        "level": person.level_name or None,
        "level_until": _time(person, "level_until"),
        "net_spend_minor": person.net_spend_minor,
        "orders_count": person.orders_count,
        "tags": list(person.tags),
        "created_at": _time(person, "created_at"),
        "joined_at": _time(person, "joined_at"),
        "registered_online_at": _time(person, "online_since"),
        "merged_accounts": [
            {"customer_id": each.customer_id, "name": each.name, "merged_at": _time(each, "merged_at")}
            for each in person.merged_accounts
        ],
    }


def login_method(method: LoginMethod) -> Json:
    """One way to log in."""
    return {"kind": method.kind, "value": method.value, "proved_at": _time(method, "confirmed_at")}


def login_session(info: SessionInfo) -> Json:
    """One log-in that has not ended."""
    times = {name: _time(info, name) for name in ("created_at", "last_seen", "expires_at")}
    return {"logged_in_by": info.by, "browser": info.agent, "this_one": info.current, **times}


def address(kept: Address) -> Json:
    """A postal address."""
    names = ("recipient", "phone", "district", "city", "postal_code", "country")
    return {"lines": list(kept.lines), **{name: getattr(kept, name) for name in names}}


def consent(given: UseConsent) -> Json:
    """What was agreed to or refused, when, by whom and where."""
    at = _time(given, "at")
    return {
        "kind": given.kind,
        "given": given.given,
        "at": at,
        "by": _who(given.actor) if at else None,
        "via": given.via,
    }


def order(placed: orders.Order) -> Json:
    """An order with its lines, payments and refunds."""
    amounts = ("subtotal", "discount", "level_discount", "points_discount", "shipping", "total", "paid", "refunded")
    contact = placed.contact
    return {
        "order_id": placed.order_id,
        "number": placed.number,
        "status": _word(orders.OrderStatus, placed.status, "ORDER_STATUS_"),
        "channel": _word(orders.Channel, placed.channel, "CHANNEL_"),
        "currency": placed.currency,
        **{f"{name}_minor": getattr(placed, f"{name}_minor") for name in amounts},
        "points_redeemed": placed.points_redeemed,
        "contact": {"name": contact.name, "phone": contact.phone, "email": contact.email},
        "shipping_address": address(placed.shipping_address) if placed.shipping_address.lines else None,
        "note": placed.note,
        "tracking": placed.tracking,
        "placed_at": _time(placed, "placed_at"),
        "paid_at": _time(placed, "paid_at"),
        "lines": [_line(line) for line in placed.lines],
        "payments": [_payment(each) for each in placed.payments],
        "refunds": [_refund(each) for each in placed.refunds],
    }


def _line(line: orders.OrderLine) -> Json:
    names = ("sku", "title", "quantity", "unit_price_minor", "discount_minor", "total_minor")
    return {name: getattr(line, name) for name in names}


def _payment(payment: orders.Payment) -> Json:
    method = _word(orders.PaymentMethod, payment.method, "PAYMENT_METHOD_")
    return {"amount_minor": payment.amount_minor, "method": method, "received_at": _time(payment, "received_at")}


def _refund(refund: orders.Refund) -> Json:
    method = _word(orders.PaymentMethod, refund.method, "PAYMENT_METHOD_")
    return {"amount_minor": refund.amount_minor, "method": method, "refunded_at": _time(refund, "refunded_at")}


def points_lot(lot: membership.PointsLot) -> Json:
    """Points that are left, and until when."""
    return {"points": lot.remaining, "expires_at": _time(lot, "expires_at")}


def points_entry(entry: membership.PointsEntry) -> Json:
    """One movement of points."""
    return {
        "at": _time(entry, "at"),
        "points": entry.points,
        "reason": _word(membership.PointsReason, entry.reason, "POINTS_REASON_"),
        "note": entry.note,
        "order_id": entry.order_id or None,
        "expires_at": _time(entry, "expires_at"),
        "balance_after": entry.balance_after,
        "by": _who(entry.actor),
    }


def level_change(change: levels.LevelChange) -> Json:
    """One change of the level."""
    return {
        "at": _time(change, "at"),
        "from": change.from_level_name or None,
        "to": change.to_level_name or None,
        "cause": _word(levels.LevelCause, change.cause, "LEVEL_CAUSE_"),
        "by": _who(change.actor),
    }


def message(sent: notification.Message) -> Json:
    """One message to the member."""
    return {
        "kind": sent.kind,
        "recipient": sent.recipient,
        "state": _word(notification.MessageState, sent.state, "MESSAGE_STATE_"),
        "order_id": sent.order_id or None,
        "created_at": _time(sent, "created_at"),
        "sent_at": _time(sent, "sent_at"),
    }
