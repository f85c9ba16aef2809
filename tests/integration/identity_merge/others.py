"""Membership and orders as identity_merge meets them: real gRPC servers that follow a script and remember what was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from onefold.membership.v1 import likeness_pb2, likeness_pb2_grpc
from onefold.membership.v1 import registration_pb2 as registration
from onefold.membership.v1 import registration_pb2_grpc as registration_grpc
from onefold.membership.v1 import service_pb2 as membership
from onefold.membership.v1 import service_pb2_grpc as membership_grpc
from onefold.orders.v1 import contacts_pb2, contacts_pb2_grpc
from onefold.orders.v1 import merging_pb2 as relinking
from onefold.orders.v1 import merging_pb2_grpc as relinking_grpc
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1 import service_pb2_grpc as orders_grpc
from services.common import rpc
from services.common.errors import NotFound, OnefoldError, StateConflict
from services.common.tokens import ServiceClaims


@dataclass
class Script:
    """How the other side behaves. `before` is called with a method's name and may raise or be awaited."""

    fingerprint: bytes = b"as they were"
    batches: list[int] = field(default_factory=lambda: [3])
    settled: int = 3
    errors: dict[str, OnefoldError] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    calls: list[tuple[str, Any, ServiceClaims]] = field(default_factory=list)
    absorbed: set[str] = field(default_factory=set)
    # Of the primary, by field; and accounts that were merged into the merged ones before.
    facts: dict[str, str] = field(default_factory=dict)
    earlier: list[str] = field(default_factory=list)
    relinked: list[int] = field(default_factory=list)
    # (kind, value) → whose it is; "" of one that is retired.
    survivors: dict[str, str] = field(default_factory=dict)
    # Of every member.
    version: int = 1
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    people: list[likeness_pb2.Person] = field(default_factory=list)
    # Customer → phones and e-mails on the orders.
    contacts: dict[str, list[str]] = field(default_factory=dict)
    # Accounts: old id → the survivor's; those that never were.
    merged: dict[str, str] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    on_call: Callable[[str], None] = lambda _: None

    async def enter(self, method: str, request: Any) -> None:
        """Notes the call, then lets the script have its way."""
        self.calls.append((method, request, rpc.caller()))
        self.on_call(method)
        if gate := self.gates.get(method):
            await gate.wait()
        if error := self.errors.get(method):
            raise error

    def look_up(self, *ids: str) -> None:
        """Raises what membership says of ids that are no live accounts."""
        for customer_id in ids:
            if customer_id in self.unknown:
                raise NotFound("customer_not_found", customer_id=customer_id)
            if survivor := self.merged.get(customer_id):
                raise StateConflict("already_merged", customer_id=customer_id, survivor_id=survivor)

    def asked(self, method: str) -> list[Any]:
        """The requests of one method."""
        return [request for name, request, _ in self.calls if name == method]


class ScriptedMembership(membership_grpc.MembershipServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def PreviewAbsorb(self, request: Any, _: Any) -> membership.PreviewAbsorbResponse:  # noqa: N802
        await self._script.enter("PreviewAbsorb", request)
        self._script.look_up(request.primary_id, *request.merged_ids)
        return membership.PreviewAbsorbResponse(
            accounts=[membership.Customer(customer_id=i) for i in (request.primary_id, *request.merged_ids)],
            points_before=7,
            points_after=7 + request.adjustment.points,
            warnings=["different_names"],
            facts=[
                membership.AccountFact(customer_id=request.primary_id, field=field, value=value)
                for field, value in self._script.facts.items()
            ],
            fingerprint=self._script.fingerprint,
        )

    async def Absorb(self, request: Any, _: Any) -> membership.AbsorbResponse:  # noqa: N802
        await self._script.enter("Absorb", request)
        self._script.absorbed.add(request.merge_run_id)
        return membership.AbsorbResponse(points_balance=7, earlier_ids=self._script.earlier)


class ScriptedRegistration(registration_grpc.RegistrationServiceServicer):
    """Keeps the contract: an identifier is one member's, or was."""

    def __init__(self, script: Script) -> None:
        self._script = script

    async def RegisterMember(self, request: Any, _: Any) -> registration.RegisterMemberResponse:  # noqa: N802
        await self._script.enter("RegisterMember", request)
        keys = [(identifier.kind, identifier.value) for identifier in request.identifiers]
        owners = {self._script.owners[key] for key in keys if key in self._script.owners}
        if "" in owners:
            return registration.RegisterMemberResponse(outcome=registration.REGISTER_OUTCOME_RETIRED)
        if owners - {request.customer_id}:
            exists = registration.REGISTER_OUTCOME_EXISTS
            return registration.RegisterMemberResponse(outcome=exists, customer_id=min(owners))
        self._script.owners |= dict.fromkeys(keys, request.customer_id)
        created = registration.REGISTER_OUTCOME_CREATED
        return registration.RegisterMemberResponse(outcome=created, customer_id=request.customer_id)

    async def AddIdentifier(self, request: Any, _: Any) -> registration.AddIdentifierResponse:  # noqa: N802
        await self._script.enter("AddIdentifier", request)
        key = (request.identifier.kind, request.identifier.value)
        owner = self._script.owners.setdefault(key, request.customer_id)
        if owner == "":
            outcome = registration.ADD_OUTCOME_RETIRED
        else:
            mine = owner == request.customer_id
            outcome = registration.ADD_OUTCOME_ADDED if mine else registration.ADD_OUTCOME_HELD
        survivor = self._script.survivors.get(request.customer_id, request.customer_id)
        return registration.AddIdentifierResponse(outcome=outcome, customer_id=survivor, version=self._script.version)


class ScriptedOrders(orders_grpc.OrdersServiceServicer, relinking_grpc.RelinkingServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def SummariseCustomers(self, request: Any, _: Any) -> orders.SummariseCustomersResponse:  # noqa: N802
        await self._script.enter("SummariseCustomers", request)
        sums = [orders.CustomerOrders(customer_id=i) for i in request.customer_ids]
        sums[0].settled_count = self._script.settled
        return orders.SummariseCustomersResponse(customers=sums)

    async def PreviewRelink(self, request: Any, _: Any) -> relinking.PreviewRelinkResponse:  # noqa: N802
        await self._script.enter("PreviewRelink", request)
        ids = [request.survivor_id, *request.merged_ids]
        return relinking.PreviewRelinkResponse(accounts=[relinking.AccountShare(customer_id=i) for i in ids])

    async def RelinkOrders(self, request: Any, _: Any) -> orders.RelinkOrdersResponse:  # noqa: N802
        await self._script.enter("RelinkOrders", request)
        moved = self._script.batches.pop(0) if self._script.batches else 0
        self._script.relinked.append(moved)
        return orders.RelinkOrdersResponse(moved_count=moved, done=not self._script.batches)


class ScriptedLikeness(likeness_pb2_grpc.LikenessServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def ListPeople(self, request: Any, _: Any) -> likeness_pb2.ListPeopleResponse:  # noqa: N802
        await self._script.enter("ListPeople", request)
        people = sorted(self._script.people, key=lambda person: person.customer_id)
        later = [person for person in people if person.customer_id > request.after_customer_id][: request.size]
        return likeness_pb2.ListPeopleResponse(people=later, members_total=len(people))


class ScriptedContacts(contacts_pb2_grpc.ContactsServiceServicer):
    def __init__(self, script: Script) -> None:
        self._script = script

    async def ListContacts(self, request: Any, _: Any) -> contacts_pb2.ListContactsResponse:  # noqa: N802
        await self._script.enter("ListContacts", request)
        known = [(who, self._script.contacts.get(who, [])) for who in request.customer_ids]
        return contacts_pb2.ListContactsResponse(
            customers=[contacts_pb2.CustomerContacts(customer_id=who, values=values) for who, values in known if values]
        )
