"""Customers as the contract writes them, for every part of the API."""

from __future__ import annotations

from onefold.membership.v1 import service_pb2 as pb
from services.common.wire import address_message, timestamp
from services.membership.domain import Customer


def customer_message(customer: Customer) -> pb.Customer:
    """A customer as the contract writes it."""
    return pb.Customer(
        customer_id=str(customer.customer_id),
        status=pb.CustomerStatus.ValueType(customer.status),
        name=customer.name,
        phone=customer.phone,
        email=customer.email,
        birthday=customer.birthday.isoformat() if customer.birthday else "",
        language=customer.language,
        addresses=[address_message(address) for address in customer.addresses],
        points_balance=customer.points_balance,
        net_spend_minor=customer.net_spend,
        orders_count=customer.orders_count,
        created_at=timestamp(customer.created_at),
        joined_at=timestamp(customer.joined_at),
        version=customer.version,
        level_id=str(customer.level_id) if customer.level_id else "",
        level_name=customer.level_name,
        level_until=timestamp(customer.level_until),
        level_pinned_until=timestamp(customer.level_pinned_until),
        tags=customer.tags,
        online_since=timestamp(customer.online_since),
        identifiers=[pb.MemberIdentifier(kind=kind, value=value) for kind, value in customer.identifiers],
        merged_accounts=[
            pb.MergedAccount(
                customer_id=str(merged.customer_id),
                merge_run_id=str(merged.merge_run_id),
                name=merged.name,
                merged_at=timestamp(merged.merged_at),
            )
            for merged in customer.merged_accounts
        ],
    )
