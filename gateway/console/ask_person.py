"""What the console asks about one person: profile, notes, phone, deletion, erasure, the past (see ask.py)."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.clients import services
from onefold.common.v1.common_pb2 import Address, PageRequest
from onefold.membership.v1 import profiles_pb2 as pb
from onefold.membership.v1 import registration_pb2 as registration
from onefold.membership.v1.service_pb2 import Customer


def change_profile(wish: pb.ChangeProfileRequest, key: str) -> Customer:
    """The customer as it is then."""
    return services().profiles.change_profile(wish, key=key).customer


def change_addresses(customer: Customer, addresses: Sequence[Address], key: str) -> Customer:
    """The customer with these addresses, the default one first."""
    wish = pb.ChangeProfileRequest(
        customer_id=customer.customer_id,
        expected_version=customer.version,
        addresses=pb.Addresses(addresses=addresses),
    )
    return change_profile(wish, key)


def change_phone(wish: pb.ChangePhoneRequest, key: str) -> Customer:
    """The member with the new phone."""
    return services().profiles.change_phone(wish, key=key).customer


def notes(customer_id: str, token: str = "", size: int = 0) -> pb.ListNotesResponse:
    """A page of notes, newest first."""
    page = PageRequest(size=size, token=token)
    return services().profiles.list_notes(pb.ListNotesRequest(customer_id=customer_id, page=page))


def add_note(customer_id: str, text: str, key: str) -> None:
    """Adds a note."""
    services().profiles.add_note(pb.AddNoteRequest(customer_id=customer_id, text=text), key=key)


def strike_note(customer_id: str, note_id: str, key: str) -> None:
    """Strikes a note."""
    services().profiles.strike_note(pb.StrikeNoteRequest(customer_id=customer_id, note_id=note_id), key=key)


def consents(customer_id: str) -> registration.GetConsentsResponse:
    """Every kind once, and the newest changes."""
    return services().consents.get(registration.GetConsentsRequest(customer_id=customer_id))


def set_consent(customer_id: str, kind: str, given: bool, key: str) -> None:
    """Gives or withdraws one."""
    use = registration.UseConsent(kind=kind, given=given)
    services().consents.set(registration.SetConsentsRequest(customer_id=customer_id, consents=[use]), key=key)


def delete(customer_id: str, confirmation: str, key: str) -> None:
    """Deletes for good."""
    services().profiles.delete(pb.DeleteCustomerRequest(customer_id=customer_id, confirmation=confirmation), key=key)


def erase(customer_id: str, confirmation: str, key: str) -> None:
    """Erases for good."""
    services().profiles.erase(pb.EraseCustomerRequest(customer_id=customer_id, confirmation=confirmation), key=key)


def deletion_policy() -> int:
    """Whom staff may delete."""
    return services().profiles.get_policy(pb.GetDeletionPolicyRequest()).policy


def set_deletion_policy(policy: int, key: str) -> None:
    """Sets it."""
    wish = pb.SetDeletionPolicyRequest()
    wish.policy = policy  # type: ignore[assignment]  # an open enum
    services().profiles.set_policy(wish, key=key)
