"""gRPC of the membership service: request → command or query → response. Each contract has its module; this one has the first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Set
from uuid import UUID

from grpc import aio

from onefold.membership.v1 import (
    benefits_pb2_grpc,
    directory_pb2_grpc,
    imports_pb2_grpc,
    invitations_pb2_grpc,
    levels_pb2_grpc,
    likeness_pb2_grpc,
    merging_pb2_grpc,
    profiles_pb2_grpc,
    registration_pb2_grpc,
    service_pb2_grpc,
)
from onefold.membership.v1 import service_pb2 as pb
from services.common import rpc
from services.common.contact import clean_text, read_address, read_contact
from services.common.errors import InvalidInput
from services.common.ids import parse_id
from services.common.wire import address_value, moment, timestamp
from services.membership import commands, queries
from services.membership.api.benefits import BenefitsApi
from services.membership.api.directory import DirectoryApi
from services.membership.api.imports import ImportsApi
from services.membership.api.invitations import InvitationsApi
from services.membership.api.levels import LevelsApi
from services.membership.api.likeness import LikenessApi
from services.membership.api.merging import MergingApi, fact_message, field_message
from services.membership.api.messages import customer_message
from services.membership.api.profiles import ProfilesApi
from services.membership.api.reckoner import Reckoner
from services.membership.api.registration import RegistrationApi
from services.membership.clients import Others
from services.membership.domain import MANY_LOTS, Account, Buyer, Entry, Lot, Merge, Outcome
from services.membership.queries.benefits import get_buyer

Context = aio.ServicerContext[object, object]


def register(context: commands.Context, others: Others, server: aio.Server) -> None:
    """Puts every contract of this service on the server."""
    service_pb2_grpc.add_MembershipServiceServicer_to_server(MembershipApi(context), server)
    levels_pb2_grpc.add_LevelsServiceServicer_to_server(LevelsApi(context), server)
    profiles_pb2_grpc.add_ProfilesServiceServicer_to_server(ProfilesApi(context, others), server)
    directory_pb2_grpc.add_DirectoryServiceServicer_to_server(DirectoryApi(context), server)
    imports_pb2_grpc.add_ImportsServiceServicer_to_server(ImportsApi(context), server)
    benefits_pb2_grpc.add_BenefitsServiceServicer_to_server(BenefitsApi(context), server)
    merging_pb2_grpc.add_MergingServiceServicer_to_server(MergingApi(context), server)
    likeness_pb2_grpc.add_LikenessServiceServicer_to_server(LikenessApi(context), server)
    invitations_pb2_grpc.add_InvitationsServiceServicer_to_server(InvitationsApi(context), server)
    registration_pb2_grpc.add_RegistrationServiceServicer_to_server(RegistrationApi(context), server)


class MembershipApi(service_pb2_grpc.MembershipServiceServicer):
    """MembershipService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context
        self._reckoner = Reckoner(context)

    async def EnrolBuyer(self, request: pb.EnrolBuyerRequest, _: Context) -> pb.EnrolBuyerResponse:
        claims = rpc.caller()
        enrolled = await commands.enrol_buyer(self._context, claims.store, _buyer(request, claims.region))
        return pb.EnrolBuyerResponse(
            customer_id=str(enrolled.customer_id),
            created_member=enrolled.created_member,
            status=pb.CustomerStatus.ValueType(enrolled.status),
            name=enrolled.name,
        )

    async def GetCustomer(self, request: pb.GetCustomerRequest, _: Context) -> pb.GetCustomerResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        customer = await queries.get_customer(self._context.database, rpc.caller(), customer_id)
        return pb.GetCustomerResponse(customer=customer_message(customer))

    async def GetBuyer(self, request: pb.GetBuyerRequest, _: Context) -> pb.GetBuyerResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        buyer, discount = await get_buyer(self._context.database, rpc.caller(), customer_id, request.amount_minor)
        return pb.GetBuyerResponse(
            customer_id=str(buyer.customer_id),
            status=pb.CustomerStatus.ValueType(buyer.status),
            name=buyer.contact.name,
            phone=buyer.contact.phone,
            email=buyer.contact.email,
            level_discount_minor=discount,
            level_name=buyer.level_name if discount else "",
        )

    async def GetCustomers(self, request: pb.GetCustomersRequest, _: Context) -> pb.GetCustomersResponse:
        ids = [parse_id(each, "customer_ids") for each in request.customer_ids]
        found = await queries.get_customers(self._context.database, rpc.caller(), ids)
        return pb.GetCustomersResponse(
            found=[pb.FoundCustomer(asked_id=str(i), customer=customer_message(c)) for i, c in found.items()]
        )

    async def SearchCustomers(self, request: pb.SearchCustomersRequest, _: Context) -> pb.SearchCustomersResponse:
        found = await queries.search_customers(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            request.query,
            request.members_only,
        )
        return pb.SearchCustomersResponse(
            customers=[customer_message(customer) for customer in found.page.items],
            next_page_token=found.page.next_token,
            members_total=await self._reckoner.members_total(rpc.caller(), found.members_total),
        )

    async def ListPointsEntries(self, request: pb.ListPointsEntriesRequest, _: Context) -> pb.ListPointsEntriesResponse:
        statement = await queries.list_entries(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            parse_id(request.customer_id, "customer_id"),
        )
        return pb.ListPointsEntriesResponse(
            entries=[_entry_message(entry) for entry in statement.page.items],
            next_page_token=statement.page.next_token,
            balance=statement.balance,
            lots=[_lot_message(lot) for lot in statement.lots],
        )

    async def AdjustPoints(self, request: pb.AdjustPointsRequest, _: Context) -> pb.AdjustPointsResponse:
        balance = await commands.adjust_points(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda balance: pb.AdjustPointsResponse(balance=balance)),
            parse_id(request.customer_id, "customer_id"),
            request.points,
            request.expires_on,
            request.note,
        )
        return pb.AdjustPointsResponse(balance=balance)

    async def PreviewAbsorb(self, request: pb.PreviewAbsorbRequest, _: Context) -> pb.PreviewAbsorbResponse:
        accounts, outcome = await queries.preview_absorb(self._context.database, rpc.caller(), _merge(request))
        if sum(len(account.lots) for account in accounts) < MANY_LOTS:
            return _preview_message(accounts, outcome)
        return await asyncio.to_thread(_preview_message, accounts, outcome)

    async def Absorb(self, request: pb.AbsorbRequest, _: Context) -> pb.AbsorbResponse:
        run_id = parse_id(request.merge_run_id, "merge_run_id")
        done = await commands.absorb(self._context, rpc.caller(), run_id, _merge(request), request.fingerprint)
        return pb.AbsorbResponse(points_balance=done.points_balance, earlier_ids=[str(i) for i in done.earlier_ids])


def _buyer(request: pb.EnrolBuyerRequest, region: str) -> Buyer:
    if not request.HasField("placed_at"):
        raise InvalidInput.of("placed_at", "required")
    contact = request.contact
    return Buyer(
        order_id=parse_id(request.order_id, "order_id"),
        customer_id=parse_id(request.customer_id, "customer_id"),
        new_customer=request.new_customer,
        contact=read_contact(contact.name, contact.phone, contact.email, region),
        add_as_member=request.add_as_member,
        trusted=request.trusted,
        language=clean_text(request.language, "language", 35),
        shipping_address=read_address(address_value(request.shipping_address)),
        placed_at=moment(request.placed_at),
    )


def _merge(request: pb.PreviewAbsorbRequest | pb.AbsorbRequest) -> Merge:
    return Merge(
        primary_id=parse_id(request.primary_id, "primary_id"),
        merged_ids=[parse_id(text, f"merged_ids[{n}]") for n, text in enumerate(request.merged_ids[:10])],
        points=request.adjustment.points,
        expires_on=request.adjustment.expires_on,
        description=request.adjustment.description,
    )


def _preview_message(accounts: Iterable[Account], outcome: Outcome) -> pb.PreviewAbsorbResponse:
    accounts = list(accounts)
    known = {lot.lot_id for account in accounts for lot in account.lots}
    return pb.PreviewAbsorbResponse(
        accounts=[customer_message(account.customer) for account in accounts],
        facts=[fact_message(fact) for fact in outcome.facts],
        fields=[field_message(field) for field in outcome.fields],
        points_before=outcome.points_before,
        points_after=outcome.points_after,
        lots=[_lot_before_merge(lot, known) for lot in outcome.ledgers[0].lots if lot.remaining],
        retired=[
            pb.RetiredIdentifier(kind=r.kind, value=r.value, customer_id=str(r.customer_id)) for r in outcome.retired
        ],
        warnings=outcome.warnings,
        fingerprint=outcome.fingerprint,
    )


def _lot_before_merge(lot: Lot, known: Set[UUID]) -> pb.PointsLot:
    """A lot that the primary will hold, by the name and owner that it has now; one that the merge itself adds is nobody's yet."""
    message = _lot_message(lot)
    if lot.lot_id not in known:
        message.lot_id, message.customer_id = str(lot.origin_lot_id or lot.lot_id), str(lot.origin_customer_id or "")
    return message


def _lot_message(lot: Lot) -> pb.PointsLot:
    return pb.PointsLot(
        lot_id=str(lot.lot_id),
        customer_id=str(lot.customer_id),
        remaining=lot.remaining,
        expires_at=timestamp(lot.expires_at),
        expires_from=timestamp(lot.expires_from),
    )


def _entry_message(entry: Entry) -> pb.PointsEntry:
    return pb.PointsEntry(
        entry_id=str(entry.entry_id),
        reason=pb.PointsReason.ValueType(entry.reason),
        points=entry.points,
        note=entry.note,
        order_id=str(entry.order_id) if entry.order_id else "",
        actor=entry.actor,
        at=timestamp(entry.at),
        expires_at=timestamp(entry.expires_at),
        balance_after=entry.balance_after,
        shortfall=entry.shortfall,
        lot_id=str(entry.lot_id),
    )
