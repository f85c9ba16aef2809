"""Logins follow what members own, and end with the account (C4, C5, C9, C10, C12; fault 18)."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from onefold.identity_merge.v1 import service_pb2 as pb
from onefold.membership.v1 import events_pb2 as membership
from services.common.errors import NotFound, PermissionDenied, StateConflict
from services.common.ids import new_id
from services.common.inbox import Delivered, RetryLater
from services.common.outbox import type_of
from services.common.tokens import ServiceClaims
from services.identity_merge.consumers import subscriptions
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.test_logins import confirm, deliver, enrolled, issue, methods, requests

PHONE, EMAIL = "+85294512053", "tai.man@example.com"


async def change(service: Service, who: ServiceClaims, customer: str, version: int, **owned: str) -> None:
    """The news that the member owns these from this version on."""
    message = membership.MemberChanged(
        customer_id=customer,
        name="陳大文",
        identifiers=[membership.OwnedIdentifier(kind=kind, value=value) for kind, value in owned.items()],
    )
    event: Any = Delivered(new_id(), who.store, type_of(message), version, message, "")
    handlers = {s.message: s.handler for s in subscriptions(service.worker.identifiers)["membership"]}
    async with service.worker.database.transaction(who.store) as tx:
        await handlers[membership.MemberChanged](tx, who.store, [event])


async def end(service: Service, who: ServiceClaims, *customers: str, how: int = pb.LOGINS_END_FREED) -> None:
    request = pb.EndLoginsRequest(customer_ids=customers, how=pb.LoginsEnd.ValueType(how))
    as_membership = ServiceClaims(actor="service:membership", role="service", store_id=who.store_id)
    await service.call(service.logins.EndLogins, request, as_membership)


async def values(service: Service, who: ServiceClaims, customer: str) -> set[tuple[str, bool]]:
    return {(m.value, m.HasField("confirmed_at")) for m in await methods(service, who, customer)}


async def token_of(service: Service, who: ServiceClaims, email: str) -> str:
    [request] = [request for request in await requests(service) if request.email == email]
    return (await issue(service, who, request.login_method_id)).token


async def test_what_is_filled_in_waits_for_proof_and_asks_for_it_by_mail(service: Service) -> None:
    """C4, A4: as at enrolment."""
    who, member = await service.new_store(), enrolled(email="")
    await deliver(service, who, member)
    for _ in range(2):
        await change(service, who, member.customer_id, 2, phone=PHONE, email=EMAIL)
    assert await values(service, who, member.customer_id) == {(PHONE, False), (EMAIL, False)}
    assert [request.email for request in await requests(service)] == [EMAIL]
    await confirm(service, await token_of(service, who, EMAIL))
    assert (EMAIL, True) in await values(service, who, member.customer_id)


async def test_a_phone_that_was_given_up_ends_and_is_free_and_the_rest_stays_proved(service: Service) -> None:
    """C5."""
    who, member, stranger = await service.new_store(), enrolled(), enrolled(email="")
    await deliver(service, who, member)
    await confirm(service, await token_of(service, who, EMAIL))
    await change(service, who, member.customer_id, 2, phone="+85261234567", email=EMAIL)
    assert await values(service, who, member.customer_id) == {("+85261234567", False), (EMAIL, True)}
    await deliver(service, who, stranger)
    assert await values(service, who, stranger.customer_id) == {(PHONE, False)}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2), (1, 3, 2)])
async def test_news_in_any_order_and_doubled_ends_where_the_newest_says(
    service: Service, order: tuple[int, ...]
) -> None:
    """Fault 23: enrolled with one phone, changed to another, and back."""
    who, member = await service.new_store(), enrolled(email="")
    for version in (*order, *order):
        if version == 1:
            await deliver(service, who, member)
        else:
            await change(service, who, member.customer_id, version, phone=PHONE if version == 3 else "+85261234567")
    assert await values(service, who, member.customer_id) == {(PHONE, False)}


async def test_whoever_takes_over_a_phone_waits_for_the_news_that_it_was_given_up(service: Service) -> None:
    """U: the two members' news may arrive in the wrong order."""
    who, member, stranger = await service.new_store(), enrolled(email=""), enrolled(email="")
    await deliver(service, who, member)
    with pytest.raises(RetryLater):
        await deliver(service, who, stranger)
    await change(service, who, member.customer_id, 2, phone="+85261234567")
    await deliver(service, who, stranger)
    assert await values(service, who, stranger.customer_id) == {(PHONE, False)}


async def test_logins_of_a_deleted_account_are_free_and_those_of_an_erased_one_never_come_back(
    service: Service,
) -> None:
    """C9, C12, T: whatever earlier news still arrives."""
    who, deleted, erased = (
        await service.new_store(),
        enrolled(),
        enrolled(phone="+85261234567", email="gone@example.com"),
    )
    await deliver(service, who, deleted, erased)
    token = await token_of(service, who, "gone@example.com")
    await confirm(service, token)
    for _ in range(2):
        await end(service, who, deleted.customer_id)
        await end(service, who, erased.customer_id, how=pb.LOGINS_END_RETIRED)
    with pytest.raises(NotFound, match="confirmation_refused"):
        await confirm(service, token)
    await deliver(service, who, deleted, erased)
    await change(service, who, deleted.customer_id, 9, phone=PHONE)
    assert await service.rows("SELECT 1 FROM login_methods WHERE state <> 3") == []
    await deliver(service, who, again := enrolled(), enrolled(phone="+85261234567", email="gone@example.com"))
    assert len(await values(service, who, again.customer_id)) == 2
    assert len(await service.rows("SELECT 1 FROM login_methods WHERE state <> 3")) == 2


async def test_an_account_with_a_proved_login_or_in_a_merge_is_not_ended(service: Service) -> None:
    """C10: and nothing of it has changed then. C12: with the account goes what staff wrote about its merges."""
    who, member, other = await service.new_store(), enrolled(), enrolled(phone="+85261234567", email="")
    await deliver(service, who, member, other)
    run = await service.commit(who, await service.plan(who, UUID(member.customer_id), UUID(other.customer_id)))
    for how in (pb.LOGINS_END_FREED, pb.LOGINS_END_RETIRED):
        with pytest.raises(StateConflict, match="merge_in_progress"):
            await end(service, who, other.customer_id, how=how)
    await service.rows("UPDATE merge_participants SET active = false WHERE merge_run_id = :id", id=run.merge_run_id)
    for table in ("merge_runs", "merge_plans"):
        await service.rows(f"UPDATE {table} SET adjustment_description = 'for Mr Chan'")
    await confirm(service, await token_of(service, who, EMAIL))
    with pytest.raises(StateConflict, match="registered_online"):
        await end(service, who, member.customer_id)
    assert len(await values(service, who, member.customer_id)) == 2
    await end(service, who, other.customer_id)
    for table in ("merge_runs", "merge_plans"):
        assert not await service.rows(f"SELECT 1 FROM {table} WHERE adjustment_description <> ''")
    with pytest.raises(PermissionDenied):
        await service.call(service.logins.EndLogins, pb.EndLoginsRequest(how=pb.LOGINS_END_FREED), who)


async def test_a_login_proved_in_the_moment_of_deletion_is_proved_or_ended_and_never_both(service: Service) -> None:
    """Fault 18: many times; the enrolment's news beside it too."""
    who = await service.new_store()
    proved = 0
    for n in range(12):
        member = enrolled(phone="", email=f"m{n}@example.com")
        await deliver(service, who, member)
        token = await token_of(service, who, f"m{n}@example.com")
        ended, confirmed, *_ = await asyncio.gather(
            end(service, who, member.customer_id),
            confirm(service, token),
            deliver(service, who, member),
            return_exceptions=True,
        )
        assert isinstance(ended, StateConflict) is not isinstance(confirmed, NotFound)
        left = await values(service, who, member.customer_id)
        assert left == ({(f"m{n}@example.com", True)} if isinstance(ended, StateConflict) else set())
        proved += isinstance(ended, StateConflict)
    late = [enrolled(phone="", email=f"late{n}@example.com") for n in range(12)]
    for member in late:
        await asyncio.gather(end(service, who, member.customer_id), deliver(service, who, member))
        assert await values(service, who, member.customer_id) == set()
