"""Customers' login methods: made, proved, retired (A4, F6, T)."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message import Message

from onefold.identity_merge.v1 import events_pb2
from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import NotFound, PermissionDenied
from services.common.ids import new_id
from services.common.inbox import Delivered
from services.common.outbox import type_of
from services.common.tokens import ServiceClaims
from services.identity_merge.consumers import subscriptions
from tests.integration.identity_merge.conftest import PUBLIC, Service


async def deliver(service: Service, who: ServiceClaims, *messages: Message) -> None:
    """Events of one type arrive as one batch."""
    batch = [Delivered(new_id(), who.store, type_of(m), 1, m, "") for m in messages]
    handlers = {s.message: s.handler for s in subscriptions(service.worker.identifiers)["membership"]}
    async with service.worker.database.transaction(who.store) as tx:
        await handlers[type(messages[0])](tx, who.store, batch)


def enrolled(customer: UUID | None = None, **values: str) -> membership.MemberEnrolled:
    values = {"name": "陳大文", "phone": "+85294512053", "email": "tai.man@example.com", "language": "en"} | values
    return membership.MemberEnrolled(customer_id=str(customer or new_id()), **values)


def as_service(who: ServiceClaims) -> ServiceClaims:
    return ServiceClaims(actor="service:notification", role="service", store_id=who.store_id)


async def methods(service: Service, who: ServiceClaims, customer: str) -> list[Any]:
    request = pb.ListLoginMethodsRequest(customer_id=customer)
    return list((await service.call(service.logins.ListLoginMethods, request, who)).login_methods)


async def requests(service: Service) -> list[events_pb2.ConfirmationRequested]:
    rows = await service.rows("SELECT payload FROM outbox WHERE type LIKE '%confirmation_requested%' ORDER BY seq")
    return [events_pb2.ConfirmationRequested.FromString(row.payload) for row in rows]


async def issue(service: Service, who: ServiceClaims, method_id: str) -> pb.IssueConfirmationResponse:
    request = pb.IssueConfirmationRequest(login_method_id=method_id)
    answer: pb.IssueConfirmationResponse = await service.call(
        service.logins.IssueConfirmation, request, as_service(who)
    )
    return answer


async def confirm(service: Service, token: str) -> pb.ConfirmLoginResponse:
    answer: pb.ConfirmLoginResponse = await service.call(
        service.logins.ConfirmLogin, pb.ConfirmLoginRequest(token=token), PUBLIC
    )
    return answer


async def test_a_new_member_waits_for_proof_and_is_asked_for_it_by_mail(service: Service) -> None:
    """A4"""
    who, member = await service.new_store(), enrolled()
    await deliver(service, who, member)
    found = await methods(service, who, member.customer_id)
    assert [(m.kind, m.value, m.HasField("confirmed_at")) for m in found] == [
        ("phone", "+85294512053", False),
        ("email", "tai.man@example.com", False),
    ]
    (request,) = await requests(service)
    assert request == events_pb2.ConfirmationRequested(
        login_method_id=found[1].login_method_id,
        customer_id=member.customer_id,
        name="陳大文",
        email="tai.man@example.com",
        language="en",
    )


async def test_a_batch_makes_each_identifier_once(service: Service) -> None:
    """Fault 23: repeated in the batch and after it; a member without an address is asked nothing."""
    who = await service.new_store()
    members = [enrolled(phone=f"+8529000000{n}", email=f"m{n}@example.com" if n else "") for n in range(8)]
    await deliver(service, who, *members, *members)
    await deliver(service, who, *reversed(members))
    assert len(await service.rows("SELECT 1 FROM login_methods")) == 15
    assert sorted(r.email for r in await requests(service)) == [f"m{n}@example.com" for n in range(1, 8)]


async def test_the_mail_is_answered_once_or_twice(service: Service) -> None:
    """People click twice; the event is one."""
    who, member = await service.new_store("shop"), enrolled()
    await deliver(service, who, member)
    method_id = (await requests(service))[0].login_method_id
    first, second = await issue(service, who, method_id), await issue(service, who, method_id)
    assert first.needed
    assert first.store_slug == "shop"
    assert first.token != second.token
    answers = [await confirm(service, token) for token in (second.token, second.token, first.token)]
    assert {answer.store.slug for answer in answers} == {"shop"}
    assert [m.HasField("confirmed_at") for m in await methods(service, who, member.customer_id)] == [False, True]
    confirmed = await service.rows("SELECT aggregate_id FROM outbox WHERE type = 'identity_merge.login_confirmed.v1'")
    assert [str(row.aggregate_id) for row in confirmed] == [member.customer_id]
    assert not (await issue(service, who, method_id)).needed


async def test_clicks_at_the_same_moment_confirm_once(service: Service) -> None:
    who = await service.new_store()
    await deliver(service, who, enrolled())
    token = (await issue(service, who, (await requests(service))[0].login_method_id)).token
    await asyncio.gather(*(confirm(service, token) for _ in range(8)))
    assert len(await service.rows("SELECT 1 FROM outbox WHERE type = 'identity_merge.login_confirmed.v1'")) == 1


async def test_only_services_are_given_tokens(service: Service) -> None:
    who = await service.new_store()
    await deliver(service, who, enrolled())
    request = pb.IssueConfirmationRequest(login_method_id=(await requests(service))[0].login_method_id)
    with pytest.raises(PermissionDenied):
        await service.call(service.logins.IssueConfirmation, request, who)


async def test_nothing_needs_proof_that_is_unknown_or_another_stores(service: Service) -> None:
    who, other = await service.new_store(), await service.new_store()
    await deliver(service, who, enrolled())
    assert not (await issue(service, who, str(new_id()))).needed
    assert not (await issue(service, other, (await requests(service))[0].login_method_id)).needed


async def test_a_refused_confirmation_says_the_same_for_every_cause(service: Service) -> None:
    who, other = await service.new_store(), await service.new_store()
    gone = enrolled(phone="", email="gone@example.com")
    await deliver(service, who, enrolled(phone=""), gone)
    late_id, gone_id = (r.login_method_id for r in await requests(service))
    late, retired = await issue(service, who, late_id), await issue(service, who, gone_id)
    await service.rows("UPDATE confirmations SET expires_at = now() WHERE login_method_id = :id", id=late_id)
    await deliver(service, who, membership.MembersAbsorbed(merged_ids=[gone.customer_id]))
    foreign = late.token.replace(UUID(who.store_id).hex, UUID(other.store_id).hex)
    words = set()
    for token in ("", "x", "\0", "ofs_" + late.token[4:], late.token[:-1], late.token, retired.token, foreign):
        with pytest.raises(NotFound) as caught:
            await confirm(service, token)
        words.add((caught.value.reason, caught.value.detail, str(caught.value.params)))
    assert {reason for reason, _, _ in words} == {"confirmation_refused"}
    assert len(words) == 1
    assert await service.rows("SELECT 1 FROM login_methods WHERE state = 2") == []


async def test_a_retired_identifier_never_comes_back(service: Service) -> None:
    """F6, T, fault 14: in no writing, for nobody; what is kept of it is a digest."""
    who, member = await service.new_store(), enrolled()
    await deliver(service, who, member)
    before = len(await requests(service))
    absorbed = membership.MembersAbsorbed(survivor_id=str(new_id()), merged_ids=[member.customer_id])
    for _ in range(2):
        await deliver(service, who, absorbed)
    assert await methods(service, who, member.customer_id) == []
    for email in ("tai.man@example.com", "TAI.MAN@EXAMPLE.COM", "ｔａｉ.ｍａｎ@example.com"):
        await deliver(service, who, enrolled(email=email))
    rows = await service.rows("SELECT value, state, customer_id FROM login_methods")
    assert [(row.value, row.state, str(row.customer_id)) for row in rows] == [(None, 3, member.customer_id)] * 2
    assert len(await requests(service)) == before


async def test_an_identifier_is_one_stores_matter(service: Service) -> None:
    """S: the same phone and e-mail in another store are somebody else's, retired or not."""
    who, other, member = await service.new_store(), await service.new_store(), enrolled()
    await deliver(service, who, member)
    await deliver(service, who, membership.MembersAbsorbed(merged_ids=[member.customer_id]))
    await deliver(service, other, enrolled(UUID(member.customer_id)))
    assert len(await methods(service, other, member.customer_id)) == 2
    assert await methods(service, who, member.customer_id) == []
