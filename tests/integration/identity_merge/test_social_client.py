"""What is believed of a provider, and what is not (A3): real HTTP, real signatures."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey

from deploy.local.ports import choose
from deploy.local.social.app import settings
from deploy.local.social.server import serve
from services.common.config import Environment
from services.common.errors import Unavailable
from services.identity_merge.clients import social
from services.identity_merge.clients.social import SocialProviders
from services.identity_merge.domain.social import NotVouched, Vouched
from tests.integration.identity_merge import providers
from tests.integration.identity_merge.providers import CLIENT_ID, FromNow, Provider

SHOP = "https://shop.example"
BACK = f"{SHOP}/s/login/back"
STATE, NONCE, VERIFIER = "state", "n" * 43, "v" * 43


@pytest.fixture
def provider() -> Iterator[Provider]:
    running = Provider()
    yield running
    running.stop()


def set_up(*settings: dict[str, Any]) -> SocialProviders:
    values = {"SOCIAL_PROVIDERS": json.dumps(settings), "SOCIAL_LOOPBACK": "1", "PUBLIC_URL": SHOP}
    return SocialProviders.read(Environment({f"ONEFOLD_{name}": value for name, value in values.items()}))


async def log_in(ours: SocialProviders, provider: Provider, issuer: str = "", **person: Any) -> Vouched:
    [setting] = ours.offered
    url = await ours.authorization_url(setting, BACK, STATE, NONCE, VERIFIER)
    code = provider.visit(url, **person)["code"]
    return await ours.identify(setting, code, issuer, BACK, NONCE, VERIFIER)


async def test_the_code_flow_ends_in_who_somebody_is(provider: Provider) -> None:
    person = {"sub": "42", "name": "陳美玲", "email": "Mei@Mail.example", "email_verified": True}
    who = await log_in(set_up(provider.setting()), provider, **person)
    assert who == Vouched("acme", "42", "陳美玲", "Mei@mail.example", email_vouched=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"aud": [CLIENT_ID, "another-client"]},  # and no azp that says for whom
        {"azp": "another-client"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": FromNow(-120)},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": FromNow(3_600)},
        {"iat": None},
        {"at_hash": "another"},
        {"at_hash": 5},
        {"sub": None},
        {"sub": ""},
        {"sub": ["someone"]},
        {"sub": "x" * 256},
    ],
    ids=str,
)
async def test_a_token_that_is_not_for_us_vouches_for_nobody(provider: Provider, changes: dict[str, Any]) -> None:
    provider.changes = changes
    with pytest.raises(NotVouched):
        await log_in(set_up(provider.setting()), provider)


@pytest.mark.parametrize(
    "sign",
    [
        providers.sign_with_nothing,
        providers.sign_with_public_key,
        providers.sign_with_secret,
        providers.sign_with_foreign_key,
        lambda *_: "",
        lambda *_: "no.token",
        lambda *_: 5,
        lambda p, claims: providers.sign(p, claims)[:-6] + "AAAAAA",
        lambda p, claims: providers.sign(p, claims) + "A" * 40_000,
    ],
    ids=["none", "public key", "secret", "foreign key", "empty", "malformed", "number", "tampered", "huge"],
)
async def test_a_signature_that_anybody_could_make_vouches_for_nobody(
    provider: Provider, sign: Callable[[Provider, dict[str, Any]], str]
) -> None:
    provider.sign = sign
    with pytest.raises(NotVouched):
        await log_in(set_up(provider.setting()), provider)


async def test_a_token_of_a_minute_ago_is_good_for_clocks_differ(provider: Provider) -> None:
    provider.changes = {"exp": FromNow(-20), "iat": FromNow(20), "aud": [CLIENT_ID, "x"], "azp": CLIENT_ID}
    assert (await log_in(set_up(provider.setting()), provider)).subject == "someone"


async def test_a_code_is_good_with_its_own_verifier_alone(provider: Provider) -> None:
    ours = set_up(provider.setting())
    [setting] = ours.offered
    for verifier, code in ((VERIFIER[:-1] + "w", None), (VERIFIER, "made-up"), (VERIFIER, ""), (VERIFIER, "x" * 5_000)):
        url = await ours.authorization_url(setting, BACK, STATE, NONCE, VERIFIER)
        real = provider.visit(url)["code"]
        with pytest.raises(NotVouched):
            await ours.identify(setting, real if code is None else code, "", BACK, NONCE, verifier)


async def test_who_answers_must_be_who_was_asked(provider: Provider) -> None:
    """RFC 9207: whoever promises to say so must, and nobody may say another."""
    assert (await log_in(set_up(provider.setting()), provider)).subject == "someone"
    with pytest.raises(NotVouched):
        await log_in(set_up(provider.setting()), provider, "https://elsewhere.example")
    provider.discovery = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(NotVouched):
        await log_in(set_up(provider.setting()), provider)
    assert (await log_in(set_up(provider.setting()), provider, provider.address)).subject == "someone"


async def test_keys_are_read_once_and_again_when_they_have_changed(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = set_up(provider.setting())
    for _ in range(3):
        await log_in(ours, provider)
    assert (provider.asked["/jwks"], provider.asked["/.well-known/openid-configuration"]) == (1, 1)
    provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    with pytest.raises(NotVouched):  # a moment ago they were read, and nobody makes us read them again and again
        await log_in(ours, provider)
    monkeypatch.setattr("services.identity_merge.clients.social.openid._KEYS_AGAIN_SECONDS", 0)
    assert (await log_in(ours, provider)).subject == "someone"
    assert provider.asked["/jwks"] == 2


async def test_a_provider_without_tokens_is_asked_who_it_is(provider: Provider) -> None:
    setting = {
        "kind": "oauth2",
        "issuer": "",
        "authorize_url": f"{provider.address}/authorize",
        "token_url": f"{provider.address}/token",
        "userinfo_url": f"{provider.address}/userinfo?fields=id",
    }
    person = {"id": 7, "name": "Kai", "email": "kai@mail.example", "email_verified": True}
    who = await log_in(set_up(provider.setting(**setting)), provider, **person)
    assert who == Vouched("acme", "7", "Kai", "kai@mail.example", email_vouched=False)
    trusting = provider.setting(**setting, email_verified_field="email_verified")
    assert (await log_in(set_up(trusting), provider, **person)).email_vouched
    provider.instead["/userinfo"] = (200, {}, b'{"name": "nobody"}')
    with pytest.raises(NotVouched):
        await log_in(set_up(trusting), provider, **person)


async def test_a_provider_that_keeps_the_email_elsewhere_is_asked_for_it_of_the_same_person(provider: Provider) -> None:
    ours = set_up(provider.setting(userinfo=True))
    provider.changes = {"email": None, "email_verified": None}
    person = {"sub": "42", "email": "mei@mail.example", "email_verified": True}
    assert (await log_in(ours, provider, **person)).email_vouched
    provider.changes = {"sub": "another"}
    with pytest.raises(NotVouched):
        await log_in(ours, provider, **person)


HUGE = (200, {}, b'{"issuer": "' + b"x" * 300_000 + b'"}')


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/jwks", "/token"])
@pytest.mark.parametrize(
    "answer",
    [
        (500, {}, b"{}"),
        (302, {"Location": "https://elsewhere.example/"}, b""),
        (200, {}, b"<html>"),
        (200, {}, b"[]"),
        (200, {}, b"[" * 100_000),
        (200, {"Content-Encoding": "gzip"}, b"x"),
        HUGE,
    ],
    ids=["error", "redirect", "page", "list", "deep", "compressed", "huge"],
)
async def test_an_answer_that_is_none_ends_the_attempt(
    provider: Provider, path: str, answer: tuple[int, dict[str, str], bytes]
) -> None:
    provider.instead[path] = answer
    with pytest.raises((Unavailable, NotVouched)):
        await log_in(set_up(provider.setting()), provider)
    del provider.instead[path]
    assert (await log_in(set_up(provider.setting()), provider)).subject == "someone"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token"])
async def test_nobody_waits_long_for_a_provider(provider: Provider, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(social, "BEGIN_SECONDS", 0.3)
    monkeypatch.setattr(social, "FINISH_SECONDS", 0.3)
    provider.slow[path] = 1.5
    began = time.monotonic()
    with pytest.raises(Unavailable):
        await log_in(set_up(provider.setting()), provider)
    assert time.monotonic() - began < 1.4


async def test_a_provider_that_is_away_is_said_to_be(provider: Provider) -> None:
    ours = set_up(provider.setting())
    provider.stop()
    with pytest.raises(Unavailable) as caught:
        await log_in(ours, provider)
    assert caught.value.reason == "login_provider_away"


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://elsewhere.example"},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"token_endpoint": None},
    ],
    ids=str,
)
async def test_what_a_provider_says_of_itself_is_not_believed_blindly(
    provider: Provider, described: dict[str, Any]
) -> None:
    provider.discovery = described
    with pytest.raises((Unavailable, NotVouched)):
        await log_in(set_up(provider.setting()), provider)


# What that provider does with its own libraries is its affair.
@pytest.mark.filterwarnings("ignore")
async def test_the_local_provider_stands_in_for_google_and_facebook() -> None:
    """What `make up` and the browser tests log in by: a provider of others' making."""
    port = choose(["social"], {})["social"]
    server = serve(port)
    address = f"http://127.0.0.1:{port}"
    values = {"SOCIAL_PROVIDERS": settings(address), "SOCIAL_LOOPBACK": "1", "PUBLIC_URL": SHOP}
    ours = SocialProviders.read(Environment({f"ONEFOLD_{name}": value for name, value in values.items()}))
    try:
        async with httpx.AsyncClient() as browser:
            for setting, vouched in zip(ours.offered, (True, False), strict=True):
                url = await ours.authorization_url(setting, BACK, STATE, NONCE, VERIFIER)
                page = await browser.get(url)
                assert f"In the place of {setting.name}" in page.text
                answer = await browser.post(url, data={"sub": "mei"})
                code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
                who = await ours.identify(setting, code, "", BACK, NONCE, VERIFIER)
                assert who == Vouched(setting.provider_id, "mei", "陳美玲", "mei@people.example", vouched)
    finally:
        server.shutdown()
        server.server_close()
