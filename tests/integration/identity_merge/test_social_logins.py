"""Customers come by a provider: in, to register, to prove, to add it to their account (A3, A8, F6)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from deploy.local.ports import choose
from onefold.common.v1.audit_pb2 import AuditNoted
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1 import accounts_pb2_grpc, service_pb2
from services.common import rpc
from services.common.config import Environment
from services.common.errors import InvalidInput, NotFound, StateConflict, Unauthenticated, Unavailable
from services.common.rpc import Server
from services.common.tokens import ServiceClaims
from services.identity_merge.api import SocialLoginApi
from services.identity_merge.clients.social import SocialProviders
from tests.integration.identity_merge import providers
from tests.integration.identity_merge.conftest import SIGNER, Service
from tests.integration.identity_merge.customers import EMAIL, Browser, issue, wanted
from tests.integration.identity_merge.providers import Provider
from tests.integration.identity_merge.test_login_changes import change, end
from tests.integration.identity_merge.test_logins import deliver, enrolled, methods
from tests.integration.identity_merge.test_registering import confirmed

SHOP = "https://shop.example"
BACK = f"{SHOP}/s/login/back"
MEI = {"sub": "42", "name": "陳美玲", "email": EMAIL, "email_verified": True}
LOGGED_IN, REGISTER, ADDED, HELD, PROVE = (
    pb.LogInOutcome.Value(f"LOG_IN_OUTCOME_{word}") for word in ("LOGGED_IN", "REGISTER", "ADDED", "HELD", "PROVE")
)


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


@dataclass
class Door:
    """The service's door for who comes by the provider."""

    service: Service
    provider: Provider
    stub: accounts_pb2_grpc.SocialLoginServiceStub


@pytest.fixture
async def door(service: Service, provider: Provider) -> AsyncIterator[Door]:
    values = {"SOCIAL_PROVIDERS": json.dumps([provider.setting()]), "SOCIAL_LOOPBACK": "1", "PUBLIC_URL": SHOP}
    offered = SocialProviders.read(Environment({f"ONEFOLD_{name}": value for name, value in values.items()}))
    address = f"127.0.0.1:{choose(['own'], {})['own']}"
    server = Server(address, SIGNER)
    api = SocialLoginApi(replace(service.app, social=offered))
    accounts_pb2_grpc.add_SocialLoginServiceServicer_to_server(api, server.aio)
    await server.start()
    channel = rpc.channel(address)
    yield Door(service, provider, accounts_pb2_grpc.SocialLoginServiceStub(channel))
    await channel.close()
    await server.aio.stop(grace=None)


@dataclass
class Visitor(Browser):
    """A browser that goes to the provider and comes back."""

    door: Door = field(kw_only=True)

    @classmethod
    def of(cls, door: Door, who: ServiceClaims) -> Visitor:
        return cls(door.service, who, door=door)

    async def begin(self, session: str = "", **changes: Any) -> str:
        values = {"provider_id": "acme", "browser": self.secret, "redirect_uri": BACK, "session_token": session}
        wish = pb.BeginSocialLoginRequest(**{**values, "language": "en", **changes})
        answer = await self.service.call(self.door.stub.BeginSocialLogin, wish, self.claims)
        return str(answer.authorization_url)

    async def finish(self, brought: dict[str, str], session: str = "") -> pb.FinishSocialLoginResponse:
        wish = pb.FinishSocialLoginRequest(
            **{"browser": self.secret, "session_token": session, "source": self.source, **brought}
        )
        answer: pb.FinishSocialLoginResponse = await self.service.call(
            self.door.stub.FinishSocialLogin, wish, self.claims
        )
        return answer

    async def come(self, session: str = "", **person: Any) -> pb.FinishSocialLoginResponse:
        """There and back as this person."""
        return await self.finish(self.door.provider.visit(await self.begin(session), **person), session)


async def refused(visitor: Visitor, brought: dict[str, str], session: str = "") -> bool:
    """Whether it is refused in the words in which all is."""
    try:
        await visitor.finish(brought, session)
    except Unauthenticated as error:
        return (error.reason, error.params) == ("social_refused", {})
    return False


async def member(door: Door, who: ServiceClaims, email: str = EMAIL) -> str:
    """A member whom staff have made: nothing of theirs is proved."""
    made = enrolled(phone="", email=email)
    await deliver(door.service, who, made)
    return made.customer_id


async def connected(door: Door) -> list[tuple[str, str]]:
    """(who, provider) of what the audit log will say."""
    rows = await door.service.rows("SELECT payload FROM outbox WHERE type LIKE '%audit%' ORDER BY seq")
    entries = [AuditNoted.FromString(row.payload) for row in rows]
    return [(e.actor, e.changes[0].after) for e in entries if e.action == "customer.provider_connected"]


async def test_a_stranger_registers_and_is_known_from_then_on(door: Door) -> None:
    who = await door.service.new_store()
    visitor = Visitor.of(door, who)
    met = await visitor.come(**MEI)
    assert (met.outcome, met.proof.kind, met.proof.value) == (REGISTER, "acme", EMAIL)
    assert not met.session.session_token
    assert await visitor.proofs() == [("acme", EMAIL), ("email", EMAIL)]
    made = await visitor.register()
    customer = made.session.login_method.customer_id
    assert made.created
    assert sorted(await confirmed(door.service)) == [(customer, "acme", ""), (customer, "email", EMAIL)]
    again = Visitor.of(door, who)
    met = await again.finish(door.provider.visit(await again.begin(), **MEI), made.session.session_token)
    assert (met.outcome, met.session.login_method.customer_id) == (LOGGED_IN, customer)
    assert met.session.login_method.kind == "acme"
    assert await again.customer(met.session.session_token) == customer
    assert await again.customer(made.session.session_token) == ""  # the browser's earlier one


async def test_an_account_may_have_nothing_but_the_provider(door: Door) -> None:
    who = await door.service.new_store()
    visitor = Visitor.of(door, who)
    assert (await visitor.come(sub="7")).outcome == REGISTER
    made = await visitor.register()
    [asked] = door.service.script.asked("RegisterMember")
    assert (list(asked.identifiers), asked.source) == ([], "acme")
    met = await Visitor.of(door, who).come(sub="7")
    assert met.session.login_method.customer_id == made.session.login_method.customer_id


async def test_of_an_email_that_is_not_vouched_for_nothing_is_kept(door: Door) -> None:
    who = await door.service.new_store()
    await member(door, who)
    visitor = Visitor.of(door, who)
    met = await visitor.come(**MEI | {"email_verified": False})
    assert (met.outcome, met.proof.value) == (REGISTER, "陳美玲")
    assert await visitor.proofs() == [("acme", "陳美玲")]
    assert await wanted(door.service) == []
    kept = await door.service.rows("SELECT p::text AS row FROM proofs p")
    assert not any(EMAIL in row.row for row in kept)


async def test_the_email_of_an_account_leads_to_a_proof_and_then_in(door: Door) -> None:
    """A8: no twin, and nobody gets in by the provider's word alone."""
    who = await door.service.new_store()
    customer = await member(door, who)
    visitor = Visitor.of(door, who)
    met = await visitor.come(**MEI)
    assert (met.outcome, met.proof.kind, met.proof.value) == (PROVE, "email", EMAIL)
    assert not met.session.session_token
    assert await visitor.proofs() == []
    [asked] = await wanted(door.service)
    code = await issue(door.service, who, asked.code_id)
    assert code.purpose == pb.CODE_PURPOSE_LOG_IN
    done = await visitor.enter(code.code)
    assert (done.outcome, done.login_method.customer_id) == (LOGGED_IN, customer)
    assert {(m.kind, m.value) for m in await methods(door.service, who, customer)} == {
        ("email", EMAIL),
        ("acme", EMAIL),
    }
    met = await Visitor.of(door, who).come(**MEI)
    assert (met.outcome, met.session.login_method.customer_id) == (LOGGED_IN, customer)


async def test_only_the_code_that_went_with_it_connects_a_provider(door: Door) -> None:
    who = await door.service.new_store()
    await member(door, who)
    attacker, owner = Visitor.of(door, who), Visitor.of(door, who)
    assert (await attacker.come(**MEI)).outcome == PROVE
    # The owner logs in elsewhere, and then even here: what waits for the other code is not theirs.
    assert await owner.customer(await owner.log_in(EMAIL))
    assert await attacker.customer(await attacker.log_in(EMAIL))
    assert (await Visitor.of(door, who).come(**MEI)).outcome == PROVE


async def test_a_state_is_good_once_in_its_own_browser_and_store_and_for_ten_minutes(door: Door) -> None:
    who, elsewhere = await door.service.new_store(), await door.service.new_store()
    visitor, other, foreign = Visitor.of(door, who), Visitor.of(door, who), Visitor.of(door, elsewhere)
    brought = door.provider.visit(await visitor.begin(), **MEI)
    foreign.secret = visitor.secret
    assert await refused(other, brought)
    assert await refused(foreign, brought)
    assert await refused(visitor, brought | {"state": brought["state"][:-1]})
    assert (await visitor.finish(brought)).outcome == REGISTER
    assert await refused(visitor, brought)
    late = door.provider.visit(await visitor.begin(), **MEI)
    await door.service.rows("UPDATE social_attempts SET expires_at = expires_at - interval '10 minutes'")
    assert await refused(visitor, late)


async def test_of_many_that_come_back_at_the_same_moment_one_is_heard(door: Door) -> None:
    visitor = Visitor.of(door, await door.service.new_store())
    brought = door.provider.visit(await visitor.begin(), **MEI)
    heard = await asyncio.gather(*(refused(visitor, brought) for _ in range(8)))
    assert sorted(heard) == [False, *[True] * 7]


async def test_codes_of_two_browsers_cannot_be_exchanged(door: Door) -> None:
    """The code is bound to its browser's verifier, the token to its nonce."""
    who = await door.service.new_store()
    one, two = Visitor.of(door, who), Visitor.of(door, who)
    mine, theirs = [door.provider.visit(await each.begin(), **MEI) for each in (one, two)]
    assert await refused(one, mine | {"code": theirs["code"]})
    assert await refused(two, theirs | {"code": mine["code"]})


@pytest.mark.parametrize("wrong", ["refused", "no code", "issuer", "nonce", "none", "public key", "away", "huge"])
async def test_every_refusal_says_the_same_and_nobody_comes_in(door: Door, wrong: str) -> None:
    visitor = Visitor.of(door, await door.service.new_store())
    brought = door.provider.visit(await visitor.begin(), **MEI)
    if wrong == "refused":
        brought |= {"code": "", "error": "access_denied"}
    elif wrong == "no code":
        brought["code"] = ""
    elif wrong == "issuer":
        brought["issuer"] = "https://elsewhere.example"
    elif wrong == "nonce":
        door.provider.changes = {"nonce": "another"}
    elif wrong == "none":
        door.provider.sign = providers.sign_with_nothing
    elif wrong == "public key":
        door.provider.sign = providers.sign_with_public_key
    elif wrong == "away":
        door.provider.instead["/token"] = (503, {}, b"")
    else:
        door.provider.instead["/token"] = (200, {}, b"{" + b" " * 300_000)
    assert await refused(visitor, brought)
    assert await visitor.proofs() == []


async def test_what_was_merged_away_never_comes_back_by_a_provider(door: Door) -> None:
    """F6, T: neither the provider's identity nor the address; and whoever has only the address in common is new."""
    who = await door.service.new_store()
    visitor = Visitor.of(door, who)
    await visitor.come(**MEI)
    made = await visitor.register()
    customer = made.session.login_method.customer_id
    await end(door.service, who, customer, how=service_pb2.LOGINS_END_RETIRED)
    again = Visitor.of(door, who)
    assert await refused(again, door.provider.visit(await again.begin(), **MEI))
    met = await again.come(**MEI | {"sub": "43"})
    assert met.outcome == REGISTER
    assert [kind for kind, _ in await again.proofs()] == ["acme"]
    assert (await again.register()).session.login_method.customer_id != customer


async def test_an_account_adds_a_provider_and_can_log_in_by_it(door: Door) -> None:
    who = await door.service.new_store()
    customer = await member(door, who)
    visitor = Visitor.of(door, who)
    session = await visitor.log_in(EMAIL)
    for _ in range(2):  # twice is no fault
        met = await visitor.come(session, sub="7", name="Mei")
        assert (met.outcome, met.login_method.kind, met.login_method.value) == (ADDED, "acme", "Mei")
    assert await visitor.customer(session) == customer  # which goes on
    assert await connected(door) == [(f"customer:{customer}", "acme")]
    assert (await Visitor.of(door, who).come(sub="7")).session.login_method.customer_id == customer
    # And it stays when the account's phone or address changes.
    await change(door.service, who, customer, 9, phone="+85294512053")
    assert (await Visitor.of(door, who).come(sub="7")).session.login_method.customer_id == customer


async def test_what_is_another_accounts_is_not_added(door: Door) -> None:
    who = await door.service.new_store()
    await member(door, who)
    first = Visitor.of(door, who)
    await first.come(sub="7", name="Mei")
    await first.register()
    second = Visitor.of(door, who)
    session = await second.log_in(EMAIL)
    met = await second.come(session, sub="7", name="Mei")
    assert (met.outcome, met.proof.kind, met.proof.value) == (HELD, "acme", "Mei")


async def test_a_provider_is_added_to_the_account_that_asked_and_to_no_other(door: Door) -> None:
    who = await door.service.new_store()
    for email in (EMAIL, "other@example.com"):
        await member(door, who, email)
    visitor = Visitor.of(door, who)
    mine, theirs = await visitor.log_in(EMAIL), await Visitor.of(door, who).log_in("other@example.com")
    for session in ("", theirs, "ofm_nonsense"):
        brought = door.provider.visit(await visitor.begin(mine), sub="7")
        assert await refused(visitor, brought, session)
    with pytest.raises(Unauthenticated):
        await visitor.begin("ofm_nonsense")


async def test_an_address_that_became_an_accounts_meanwhile_is_not_opened_by_the_providers_word(door: Door) -> None:
    who = await door.service.new_store()
    visitor = Visitor.of(door, who)
    assert (await visitor.come(**MEI)).outcome == REGISTER
    door.service.script.owners["email", EMAIL] = await member(door, who)
    with pytest.raises(StateConflict, match="nothing_proved"):
        await visitor.register()
    assert (await visitor.come(**MEI)).outcome == PROVE


async def test_browsers_are_sent_to_providers_that_are_offered_and_back_to_us(door: Door) -> None:
    visitor = Visitor.of(door, await door.service.new_store())
    listed = await door.service.call(door.stub.ListProviders, pb.ListProvidersRequest(), visitor.claims)
    assert [(p.provider_id, p.name) for p in listed.providers] == [("acme", "ACME")]
    with pytest.raises(NotFound):
        await visitor.begin(provider_id="google")
    for changes in (
        {"redirect_uri": "https://elsewhere.example/s/login/back"},
        {"language": "xx"},
        {"browser": "short"},
    ):
        with pytest.raises(InvalidInput):
            await visitor.begin(**changes)
    door.provider.stop()
    with pytest.raises(Unavailable):
        await visitor.begin()


async def test_nothing_of_an_attempt_that_would_help_anybody_is_kept(door: Door) -> None:
    visitor = Visitor.of(door, await door.service.new_store())
    brought = door.provider.visit(await visitor.begin(), **MEI)
    asked = door.provider.codes[brought["code"]].parameters
    [kept] = await door.service.rows("SELECT a::text AS row FROM social_attempts a")
    for secret in (visitor.secret, brought["state"], asked["nonce"], asked["code_challenge"]):
        assert secret not in kept.row
