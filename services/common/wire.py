"""Common value types as the contracts write them, and back."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from onefold.common.v1 import common_pb2
from services.common.contact import Address, Contact

_EPOCH = datetime.fromtimestamp(0, UTC)


def timestamp(at: datetime | None) -> Timestamp | None:
    """Protobuf's form of a time; None stays None."""
    if at is None:
        return None
    # Ten of them go into an order and its events; FromDatetime takes twice as long.
    since = at - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def moment(stamp: Timestamp) -> datetime:
    """The time in UTC."""
    return stamp.ToDatetime(tzinfo=UTC)


def contact_message(contact: Contact) -> common_pb2.Contact:
    """A contact for the wire."""
    return common_pb2.Contact(name=contact.name, phone=contact.phone, email=contact.email)


def address_message(address: Address) -> common_pb2.Address:
    """An address for the wire."""
    return common_pb2.Address(
        recipient=address.recipient,
        phone=address.phone,
        lines=address.lines,
        district=address.district,
        city=address.city,
        postal_code=address.postal_code,
        country=address.country,
    )


def address_value(message: common_pb2.Address) -> Address:
    """An address from the wire."""
    return Address(
        recipient=message.recipient,
        phone=message.phone,
        lines=tuple(message.lines),
        district=message.district,
        city=message.city,
        postal_code=message.postal_code,
        country=message.country,
    )
