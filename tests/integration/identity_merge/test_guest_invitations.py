"""Links of mails that invite guests to become members (A5, A8)."""

from __future__ import annotations

from uuid import UUID

import pytest

from onefold.identity_merge.v1 import accounts_pb2 as pb
from services.common.errors import InvalidInput, NotFound
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from tests.integration.identity_merge.conftest import Service
from tests.integration.identity_merge.customers import EMAIL, Browser
from tests.integration.identity_merge.test_login_changes import end
from tests.integration.identity_merge.test_logins import deliver, enrolled
from tests.integration.identity_merge.test_registering import follow


async def issue(service: Service, who: ServiceClaims, email: str = EMAIL, customer: str = "") -> str:
    """The token that the sender of the mail is given; "" where none is needed."""
    sender = ServiceClaims(actor="service:notification", role="service", store_id=who.store_id)
    wish = pb.IssueGuestInvitationRequest(
        invitation_id=str(new_id()), customer_id=customer or str(new_id()), email=email
    )
    answer: pb.IssueGuestInvitationResponse = await service.call(service.accounts.IssueGuestInvitation, wish, sender)
    assert answer.needed == bool(answer.token)
    return answer.token


async def address(browser: Browser, token: str) -> str:
    """What the page behind the link shows."""
    wish = pb.ReadGuestInvitationRequest(token=token)
    answer = await browser.service.call(browser.service.accounts.ReadGuestInvitation, wish, browser.claims)
    return str(answer.email)


async def refused(browser: Browser, token: str) -> None:
    with pytest.raises(NotFound, match="confirmation_refused"):
        await follow(browser, token)


async def test_the_link_proves_the_address_for_the_first_browser_and_shows_it_for_longer(service: Service) -> None:
    """A5, A3: two weeks by the database's clock; another store's door and a made-up token open nothing."""
    who, other = await service.new_store(), await service.new_store()
    first, second, stranger = Browser(service, who), Browser(service, who), Browser(service, other)
    token = await issue(service, who, "Tai.Man@Example.com")
    foreign = token.replace(UUID(who.store_id).hex, UUID(other.store_id).hex)
    for asked in (foreign, "ofg_", token[:-1], token.replace("ofg_", "ofr_")):
        await refused(stranger, asked)
        with pytest.raises(NotFound, match="confirmation_refused"):
            await address(stranger, asked)
    assert await address(first, token) == "Tai.Man@example.com"
    assert await first.proofs() == [], "reading proves nothing"
    for _ in range(2):  # people click twice
        assert (await follow(first, token)).proof == pb.Proof(kind="email", value="Tai.Man@example.com")
    await refused(second, token)
    assert token not in str(await service.rows("SELECT guest_invitations::text FROM guest_invitations"))
    [life] = await service.rows("SELECT expires_at - now() AS left FROM guest_invitations")
    assert 13 * 86_400 < life.left.total_seconds() <= 14 * 86_400
    late = await issue(service, who, "late@example.com")
    await service.rows("UPDATE guest_invitations SET expires_at = now() RETURNING 1")
    await refused(second, late)
    assert await address(second, late) == "late@example.com"
    made = await first.register()
    assert made.created
    with pytest.raises(InvalidInput, match="invalid_email"):
        await issue(service, who, "nobody")


async def test_an_address_that_has_become_somebodys_opens_nothing_by_an_invitation(service: Service) -> None:
    """A8, T: neither an account that was made meanwhile, proved or not, nor one that is gone; and no mail is written to them."""
    who = await service.new_store()
    browser = Browser(service, who)
    before = await issue(service, who)
    member = enrolled(email=EMAIL)
    await deliver(service, who, member)
    assert await issue(service, who) == ""
    await refused(browser, before)
    await end(service, who, member.customer_id, how=2)
    assert await issue(service, who) == "", "retired for good"
    with pytest.raises(NotFound, match="confirmation_refused"):
        await address(browser, before)  # with the account went what had been written to its address
    guest = str(new_id())
    token = await issue(service, who, "guest@example.com", guest)
    await end(service, who, guest)
    with pytest.raises(NotFound, match="confirmation_refused"):
        await address(browser, token)
    assert await issue(service, who, "guest@example.com", guest) == "", "a guest who was deleted gets no mail"
    assert await issue(service, who, "guest@example.com"), "the address may be another guest's"
