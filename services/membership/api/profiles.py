"""gRPC of ProfilesService: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import profiles_pb2 as pb
from onefold.membership.v1 import profiles_pb2_grpc
from onefold.membership.v1 import service_pb2 as service
from services.common import access, rpc
from services.common.errors import InvalidInput
from services.common.ids import parse_id
from services.common.permissions import MEMBERS_NOTE, MEMBERS_WRITE
from services.common.tokens import ServiceClaims
from services.common.wire import address_value, timestamp
from services.membership import commands
from services.membership.api.messages import customer_message
from services.membership.clients import Others
from services.membership.domain import (
    Consent,
    DeletionPolicy,
    HistoryEntry,
    Note,
    ProfileChange,
    Removal,
    RemovalKind,
)
from services.membership.queries import profiles

Context = aio.ServicerContext[object, object]
_POLICIES = {
    pb.DELETION_POLICY_UNLESS_ONLINE: DeletionPolicy.UNLESS_ONLINE,
    pb.DELETION_POLICY_NEVER: DeletionPolicy.NEVER,
}
# What a change of tags alone says.
_FOR_NOTES = {"customer_id", "expected_version", "tags"}
_POLICY_CODES = {policy: code for code, policy in _POLICIES.items()}


class ProfilesApi(profiles_pb2_grpc.ProfilesServiceServicer):
    """ProfilesService of the contract."""

    def __init__(self, context: commands.Context, others: Others) -> None:
        self._context = context
        self._others = others

    async def ChangeProfile(self, request: pb.ChangeProfileRequest, _: Context) -> pb.ChangeProfileResponse:
        _check_fields(rpc.caller(), request)
        customer = await commands.change_profile(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda customer: pb.ChangeProfileResponse(customer=customer_message(customer))),
            parse_id(request.customer_id, "customer_id"),
            request.expected_version,
            _change(request),
        )
        return pb.ChangeProfileResponse(customer=customer_message(customer))

    async def ChangePhone(self, request: pb.ChangePhoneRequest, _: Context) -> pb.ChangePhoneResponse:
        customer = await commands.change_phone(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda customer: pb.ChangePhoneResponse(customer=customer_message(customer))),
            parse_id(request.customer_id, "customer_id"),
            request.expected_version,
            request.phone,
            Consent.read(request.consent.given, request.consent.note),
        )
        return pb.ChangePhoneResponse(customer=customer_message(customer))

    async def AddNote(self, request: pb.AddNoteRequest, _: Context) -> pb.AddNoteResponse:
        note = await commands.add_note(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda note: pb.AddNoteResponse(note=_note_message(note))),
            parse_id(request.customer_id, "customer_id"),
            request.text,
        )
        return pb.AddNoteResponse(note=_note_message(note))

    async def StrikeNote(self, request: pb.StrikeNoteRequest, _: Context) -> pb.StrikeNoteResponse:
        note = await commands.strike_note(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda note: pb.StrikeNoteResponse(note=_note_message(note))),
            parse_id(request.customer_id, "customer_id"),
            parse_id(request.note_id, "note_id"),
        )
        return pb.StrikeNoteResponse(note=_note_message(note))

    async def ListNotes(self, request: pb.ListNotesRequest, _: Context) -> pb.ListNotesResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        page = await profiles.list_notes(
            self._context.database, rpc.caller(), request.page.size, request.page.token, customer_id
        )
        return pb.ListNotesResponse(notes=[_note_message(note) for note in page.items], next_page_token=page.next_token)

    async def ListHistory(self, request: pb.ListHistoryRequest, _: Context) -> pb.ListHistoryResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        page = await profiles.list_history(
            self._context.database, rpc.caller(), request.page.size, request.page.token, customer_id
        )
        return pb.ListHistoryResponse(
            entries=[_entry_message(entry) for entry in page.items], next_page_token=page.next_token
        )

    async def DeleteCustomer(self, request: pb.DeleteCustomerRequest, _: Context) -> pb.DeleteCustomerResponse:
        removal = await commands.remove_customer(
            self._context,
            self._others,
            rpc.caller(),
            rpc.once(request, lambda removal: pb.DeleteCustomerResponse(removal=_removal_message(removal))),
            _wish(request, RemovalKind.DELETE),
        )
        return pb.DeleteCustomerResponse(removal=_removal_message(removal))

    async def EraseCustomer(self, request: pb.EraseCustomerRequest, _: Context) -> pb.EraseCustomerResponse:
        removal = await commands.remove_customer(
            self._context,
            self._others,
            rpc.caller(),
            rpc.once(request, lambda removal: pb.EraseCustomerResponse(removal=_removal_message(removal))),
            _wish(request, RemovalKind.ERASE),
        )
        return pb.EraseCustomerResponse(removal=_removal_message(removal))

    async def GetDeletionPolicy(self, request: pb.GetDeletionPolicyRequest, _: Context) -> pb.GetDeletionPolicyResponse:
        policy = await profiles.deletion_policy(self._context.database, rpc.caller())
        return pb.GetDeletionPolicyResponse(policy=_POLICY_CODES[policy])

    async def SetDeletionPolicy(self, request: pb.SetDeletionPolicyRequest, _: Context) -> pb.SetDeletionPolicyResponse:
        if request.policy not in _POLICIES:
            raise InvalidInput.of("policy", "unknown_value")
        policy = await commands.set_deletion_policy(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda policy: pb.SetDeletionPolicyResponse(policy=_POLICY_CODES[policy])),
            _POLICIES[request.policy],
        )
        return pb.SetDeletionPolicyResponse(policy=_POLICY_CODES[policy])


def _check_fields(claims: ServiceClaims, request: pb.ChangeProfileRequest) -> None:
    """Tags are staff's to write, and of staff all who may write notes; the rest is for whoever edits members, and for customers themselves.

    Raises PermissionDenied (permission_denied).
    """
    if request.HasField("tags"):
        access.require(claims, MEMBERS_NOTE)
    if not claims.customer_id and any(field.name not in _FOR_NOTES for field, _ in request.ListFields()):
        access.require(claims, MEMBERS_WRITE)


def _change(request: pb.ChangeProfileRequest) -> ProfileChange:
    addresses = request.addresses.addresses
    return ProfileChange(
        name=request.name if request.HasField("name") else None,
        phone=request.phone if request.HasField("phone") else None,
        email=request.email if request.HasField("email") else None,
        birthday=request.birthday if request.HasField("birthday") else None,
        language=request.language if request.HasField("language") else None,
        tags=list(request.tags.tags) if request.HasField("tags") else None,
        addresses=[address_value(each) for each in addresses] if request.HasField("addresses") else None,
    )


def _wish(request: pb.DeleteCustomerRequest | pb.EraseCustomerRequest, kind: RemovalKind) -> commands.Wish:
    return commands.Wish(parse_id(request.customer_id, "customer_id"), kind, request.confirmation)


def _note_message(note: Note) -> pb.Note:
    return pb.Note(
        note_id=str(note.note_id),
        text=note.content,
        author=note.author,
        at=timestamp(note.at),
        struck_by=note.struck_by,
        struck_at=timestamp(note.struck_at),
        from_customer_id=str(note.origin) if note.origin else "",
    )


def _entry_message(entry: HistoryEntry) -> pb.HistoryEntry:
    return pb.HistoryEntry(
        entry_id=entry.entry_id,
        at=timestamp(entry.at),
        kind=entry.kind,
        actor=entry.actor,
        customer_id=str(entry.customer_id),
        text=entry.text,
        points=entry.points,
        reason=service.PointsReason.ValueType(entry.reason),
        order_id=str(entry.order_id) if entry.order_id else "",
        merge_run_id=str(entry.merge_run_id) if entry.merge_run_id else "",
    )


def _removal_message(removal: Removal) -> pb.Removal:
    return pb.Removal(
        removal_id=str(removal.removal_id),
        customer_id=str(removal.customer_id),
        requested_by=removal.requested_by,
        requested_at=timestamp(removal.requested_at),
        finished_at=timestamp(removal.finished_at),
    )
