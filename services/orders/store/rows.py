"""An order as a row, and back."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Row

from services.common.contact import Address, Contact
from services.orders.domain import Channel, Order, Status


def columns(order: Order) -> dict[str, Any]:
    """The columns of `orders` but for the store."""
    address = order.shipping_address
    return {
        "order_id": order.order_id,
        "number": order.number,
        "customer_id": order.customer_id,
        "status": order.status,
        "channel": order.channel,
        "currency": order.currency,
        "subtotal": order.subtotal,
        "discount": order.discount,
        "shipping": order.shipping,
        "total": order.total,
        "paid": order.paid,
        "refunded": order.refunded,
        "contact_name": order.contact.name,
        "contact_phone": order.contact.phone,
        "contact_email": order.contact.email,
        "shipping_address": orjson.dumps(address).decode() if address else None,
        "add_as_member": order.add_as_member,
        "note": order.note,
        "external_reference": order.external_reference,
        "language": order.language,
        "placed_at": order.placed_at,
        "paid_at": order.paid_at,
        "version": order.version,
        "level_discount": order.level_discount,
        "level_name": order.level_name,
        "points_redeemed": order.points_redeemed,
        "points_discount": order.points_discount,
        "tracking": order.tracking,
        "resends": order.resends,
        "moved_from": order.moved_from,
    }


def order_of(row: Row[Any]) -> Order:
    """The order without lines, payments and history."""
    address = row.shipping_address or {}
    return Order(
        order_id=row.order_id,
        number=row.number,
        customer_id=row.customer_id,
        status=Status(row.status),
        channel=Channel(row.channel),
        currency=row.currency,
        subtotal=row.subtotal,
        discount=row.discount,
        shipping=row.shipping,
        total=row.total,
        paid=row.paid,
        refunded=row.refunded,
        contact=Contact(row.contact_name, row.contact_phone, row.contact_email),
        shipping_address=Address(**{**address, "lines": tuple(address.get("lines", ()))}),
        add_as_member=row.add_as_member,
        note=row.note,
        external_reference=row.external_reference,
        language=row.language,
        placed_at=row.placed_at,
        paid_at=row.paid_at,
        version=row.version,
        level_discount=row.level_discount,
        level_name=row.level_name,
        points_redeemed=row.points_redeemed,
        points_discount=row.points_discount,
        tracking=row.tracking,
        resends=row.resends,
        moved_from=row.moved_from,
    )
