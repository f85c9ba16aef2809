"""Calls to membership and orders, with a deadline each; never made inside a transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from uuid import UUID

from grpc import aio

from onefold.membership.v1 import events_pb2, likeness_pb2, registration_pb2
from onefold.membership.v1 import service_pb2 as membership
from onefold.membership.v1.likeness_pb2_grpc import LikenessServiceStub
from onefold.membership.v1.registration_pb2_grpc import RegistrationServiceStub
from onefold.membership.v1.service_pb2_grpc import MembershipServiceStub
from onefold.orders.v1 import contacts_pb2
from onefold.orders.v1 import merging_pb2 as relinking
from onefold.orders.v1 import service_pb2 as orders
from onefold.orders.v1.contacts_pb2_grpc import ContactsServiceStub
from onefold.orders.v1.merging_pb2_grpc import RelinkingServiceStub
from onefold.orders.v1.service_pb2_grpc import OrdersServiceStub
from services.common.errors import Unavailable
from services.common.rpc import Caller
from services.common.tokens import ServiceClaims
from services.identity_merge.domain.duplicates import Known
from services.identity_merge.domain.logins import OWNED_KINDS
from services.identity_merge.domain.merges import MergeRequest, Run
from services.identity_merge.domain.proofs import Claimed, Proved, Registration
from services.identity_merge.events import adjustment_message

# Somebody waits for an answer.
ASK_SECONDS = 3.0
# Nobody waits; large accounts may take their time. The lease of a run is longer than one such step.
STEP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Preview:
    """What membership foresees; `message` is handed on as it came."""

    fingerprint: bytes
    message: membership.PreviewAbsorbResponse

    @property
    def facts(self) -> list[tuple[str, str, str]]:
        """What each account has, as (account, field, value)."""
        return [(fact.customer_id, fact.field, fact.value) for fact in self.message.facts]


@dataclass(frozen=True, slots=True)
class Relink:
    """What orders foresees of carts and of what is under way; handed on as it came."""

    message: relinking.PreviewRelinkResponse


@dataclass(frozen=True, slots=True)
class OrderSums:
    """What customers' orders come to; `messages` are handed on as they came."""

    messages: Sequence[orders.CustomerOrders]

    @property
    def settled(self) -> int:
        """Orders that are not unpaid."""
        return sum(message.settled_count for message in self.messages)


class Registered(IntEnum):
    """Numbers as in the contract's RegisterOutcome."""

    CREATED = 1
    EXISTS = 2
    RETIRED = 3


class Added(IntEnum):
    """Numbers as in the contract's AddOutcome."""

    ADDED = 1
    HELD = 2
    RETIRED = 3


class Membership:
    """The membership service."""

    def __init__(self, channel: aio.Channel, caller: Caller) -> None:
        self._channel = channel
        self._stub = MembershipServiceStub(channel)
        self._registration = RegistrationServiceStub(channel)
        self._likeness = LikenessServiceStub(channel)
        self._caller = caller

    async def register(
        self, claims: ServiceClaims, wanted: Registration, claimed: Claimed
    ) -> tuple[Registered, UUID | None]:
        """Makes a member of proved identifiers, or says whose one of them is; idempotent by the id.

        Raises InvalidInput (name, birthday, language, consents), or Unavailable.
        """
        request = registration_pb2.RegisterMemberRequest(
            customer_id=str(claimed.customer_id),
            name=wanted.name,
            birthday=wanted.birthday,
            language=wanted.language,
            identifiers=[_owned(proof) for proof in claimed.proofs if proof.kind in OWNED_KINDS],
            consents=wanted.consents,
            source=claimed.proofs[0].kind,
        )
        answer = await self._caller.call(
            self._registration.RegisterMember, request, self._ours(claims), seconds=ASK_SECONDS
        )
        return Registered(answer.outcome), UUID(answer.customer_id) if answer.customer_id else None

    async def add_identifier(self, claims: ServiceClaims, customer_id: UUID, proved: Proved) -> tuple[Added, int]:
        """Gives the member a phone or an address that it has proved; idempotent. With it the version that told of it, or 0.

        Raises NotFound (customer_not_found), StateConflict, or Unavailable, also when the account is being merged at this moment.
        """
        request = registration_pb2.AddIdentifierRequest(customer_id=str(customer_id), identifier=_owned(proved))
        answer = await self._caller.call(
            self._registration.AddIdentifier, request, self._ours(claims), seconds=ASK_SECONDS
        )
        if answer.customer_id != str(customer_id):
            raise Unavailable("service_unavailable", "the account has just been merged")
        return Added(answer.outcome), answer.version

    def _ours(self, claims: ServiceClaims) -> ServiceClaims:
        """This service itself, in the visitor's store."""
        return replace(claims, actor=self._caller.as_service("").actor, role="service")

    async def people(self, claims: ServiceClaims, after: str, size: int) -> tuple[list[Known], int]:
        """Members after an id, and with the first ones how many there are (F12). Raises Unavailable."""
        request = likeness_pb2.ListPeopleRequest(after_customer_id=after, size=size)
        answer = await self._caller.call(self._likeness.ListPeople, request, claims, seconds=STEP_SECONDS)
        return [_known(person) for person in answer.people], answer.members_total

    async def preview(self, claims: ServiceClaims, wanted: MergeRequest) -> Preview:
        """What absorbing would do. Raises whatever membership says of the request, or Unavailable."""
        request = membership.PreviewAbsorbRequest(
            primary_id=str(wanted.primary_id),
            merged_ids=[str(i) for i in wanted.merged_ids],
            adjustment=adjustment_message(wanted.adjustment),
        )
        answer = await self._caller.call(self._stub.PreviewAbsorb, request, claims, seconds=ASK_SECONDS)
        return Preview(answer.fingerprint, answer)

    async def absorb(self, claims: ServiceClaims, run: Run) -> Sequence[UUID]:
        """The pivot; idempotent by the run. The accounts that had been merged into the merged ones before.

        Raises whatever membership says against it, or Unavailable.
        """
        request = membership.AbsorbRequest(
            merge_run_id=str(run.merge_run_id),
            primary_id=str(run.request.primary_id),
            merged_ids=[str(i) for i in run.request.merged_ids],
            adjustment=adjustment_message(run.request.adjustment),
            fingerprint=run.fingerprint,
        )
        answer = await self._caller.call(
            self._stub.Absorb, request, claims, seconds=STEP_SECONDS, idempotency_key=str(run.merge_run_id)
        )
        return [UUID(each) for each in answer.earlier_ids]

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()


def _owned(proved: Proved) -> events_pb2.OwnedIdentifier:
    return events_pb2.OwnedIdentifier(kind=proved.kind, value=proved.value)


def _known(person: likeness_pb2.Person) -> Known:
    return Known(
        customer_id=UUID(person.customer_id),
        name=person.name,
        phones=tuple(person.phones),
        emails=tuple(person.emails),
        birthday=person.birthday,
        addresses=tuple(" ".join((*each.lines, each.district, each.city)) for each in person.addresses),
        areas=tuple(each.postal_code or each.district or each.city for each in person.addresses),
    )


class Orders:
    """The orders service."""

    def __init__(self, channel: aio.Channel, caller: Caller) -> None:
        self._channel = channel
        self._stub = OrdersServiceStub(channel)
        self._relinking = RelinkingServiceStub(channel)
        self._contacts = ContactsServiceStub(channel)
        self._caller = caller

    async def summarise(self, claims: ServiceClaims, ids: Sequence[UUID]) -> OrderSums:
        """What each customer's orders come to, in the order asked. Raises Unavailable."""
        request = orders.SummariseCustomersRequest(customer_ids=[str(i) for i in ids])
        answer = await self._caller.call(self._stub.SummariseCustomers, request, claims, seconds=ASK_SECONDS)
        return OrderSums(answer.customers)

    async def preview_relink(self, claims: ServiceClaims, wanted: MergeRequest) -> Relink:
        """What moving carts would do, and what is under way. Raises Unavailable."""
        request = relinking.PreviewRelinkRequest(
            survivor_id=str(wanted.primary_id), merged_ids=[str(i) for i in wanted.merged_ids]
        )
        return Relink(await self._caller.call(self._relinking.PreviewRelink, request, claims, seconds=ASK_SECONDS))

    async def relink(self, claims: ServiceClaims, run: Run) -> tuple[int, bool]:
        """Moves one batch of orders: (how many, whether none is left). Raises Unavailable."""
        request = orders.RelinkOrdersRequest(
            merge_run_id=str(run.merge_run_id),
            survivor_id=str(run.request.primary_id),
            merged_ids=[str(i) for i in run.request.merged_ids],
        )
        answer = await self._caller.call(self._stub.RelinkOrders, request, claims, seconds=STEP_SECONDS)
        return answer.moved_count, answer.done

    async def contacts(self, claims: ServiceClaims, ids: Sequence[UUID]) -> dict[UUID, Sequence[str]]:
        """Phones and e-mails on the orders of customers (F12). Raises Unavailable."""
        request = contacts_pb2.ListContactsRequest(customer_ids=map(str, ids))
        answer = await self._caller.call(self._contacts.ListContacts, request, claims, seconds=STEP_SECONDS)
        return {UUID(each.customer_id): each.values for each in answer.customers}

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()
