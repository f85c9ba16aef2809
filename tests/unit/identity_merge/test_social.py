"""Which providers are offered, and what of their words counts (A3, A8)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from services.common.config import ConfigError, Environment
from services.common.errors import InvalidInput, NotFound
from services.identity_merge.clients.social import SocialProviders
from services.identity_merge.domain.social import Provider, read_person

KEYS = {"client_id": "id", "client_secret": "very secret"}
PLAIN = {"id": "acme", "name": "ACME", "kind": "oidc", "issuer": "https://acme.example", **KEYS}


def read(*entries: Any, loopback: str = "") -> SocialProviders:
    values = {
        "SOCIAL_PROVIDERS": json.dumps(entries),
        "SOCIAL_LOOPBACK": loopback,
        "PUBLIC_URL": "https://shop.example",
    }
    return SocialProviders.read(Environment({f"ONEFOLD_{name}": value for name, value in values.items()}))


def one(**changes: Any) -> Provider:
    [provider] = read({**PLAIN, **changes}).offered
    return provider


def test_without_a_setting_nobody_is_offered() -> None:
    assert SocialProviders.read(Environment({})).offered == []


def test_four_are_known_by_name_and_need_an_id_and_a_secret_alone() -> None:
    offered = read(*({"preset": preset, **KEYS} for preset in ("google", "facebook", "line", "apple"))).offered
    assert [(p.provider_id, p.name) for p in offered] == [
        ("google", "Google"),
        ("facebook", "Facebook"),
        ("line", "LINE"),
        ("apple", "Apple"),
    ]
    assert "very secret" not in repr(offered)


@pytest.mark.parametrize(
    ("entry", "named"),
    [
        ("google", "[0]. is not an object"),
        ({"preset": "myspace", **KEYS}, "[0].preset must be one of google"),
        ({"preset": "google"}, "[0].client_id is missing"),
        ({**PLAIN, "client_secret": ""}, "[0].client_secret is missing"),
        ({**PLAIN, "id": "ACME"}, "[0].id must be lower case"),
        ({**PLAIN, "id": "phone"}, "[0].id must be lower case"),
        ({**PLAIN, "kind": "saml"}, "[0].kind must be one of oidc, oauth2"),
        ({**PLAIN, "issuer": "http://acme.example"}, "[0].issuer must begin with https://"),
        ({**PLAIN, "issuer": "http://127.0.0.1:5000"}, "[0].issuer must begin with https://"),
        ({**PLAIN, "issuer": "https://user@acme.example"}, "[0].issuer must begin with https://"),
        ({**PLAIN, "kind": "oauth2"}, "[0].authorize_url must begin with https://"),
        ({**PLAIN, "scopes": "openid"}, "[0].scopes is of the wrong type"),
        ({**PLAIN, "pkce": "yes"}, "[0].pkce is of the wrong type"),
        ({**PLAIN, "secret": "x"}, "[0].secret is no setting of a provider"),
        ({**PLAIN, "token_auth": "private_key_jwt"}, "[0].token_auth must be one of"),
        ({**PLAIN, "parameters": {"state": "mine"}}, "[0].parameters may not say state"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start_and_no_secret_with_it(entry: Any, named: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(entry)
    assert f"ONEFOLD_SOCIAL_PROVIDERS{named}" in str(caught.value)
    assert "very secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["{", '{"preset": "google"}', "5"])
def test_a_setting_that_is_no_list_is_named(value: str) -> None:
    with pytest.raises(ConfigError, match="ONEFOLD_SOCIAL_PROVIDERS is not"):
        SocialProviders.read(Environment({"ONEFOLD_SOCIAL_PROVIDERS": value}))


def test_a_provider_is_there_once() -> None:
    with pytest.raises(ConfigError, match=r"\[1\]\.id is there twice"):
        read(PLAIN, PLAIN)


def test_plain_http_is_for_this_machine_and_only_where_it_is_allowed() -> None:
    assert read({**PLAIN, "issuer": "http://127.0.0.1:5000"}, loopback="1").offered
    with pytest.raises(ConfigError):
        read({**PLAIN, "issuer": "http://acme.example"}, loopback="1")


def test_an_unknown_provider_is_not_found() -> None:
    with pytest.raises(NotFound):
        read(PLAIN).find("google")


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://elsewhere.example/s/login/back",
        "https://shop.example",
        "https://shop.example.elsewhere.example/s/login/back",
        "https://shop.example@elsewhere.example/",
        "//shop.example/s/login/back",
        "https://shop.example/../x",
        "https://shop.example/%2e%2e/x",
        "https://shop.example/\\elsewhere.example",
        "https://shop.example/s\r\nX: y",
        "https://shop.example/s#x",
        "https://shop.example/" + "x" * 500,
    ],
)
def test_browsers_are_sent_back_to_this_installation_alone(address: str) -> None:
    ours = read(PLAIN)
    ours.check_return("https://shop.example/s/login/back")
    with pytest.raises(InvalidInput):
        ours.check_return(address)


MEI = {"sub": "1", "email": "Mei@Mail.example", "email_verified": True}


@pytest.mark.parametrize(
    ("changes", "claims", "vouched"),
    [
        ({}, {}, True),
        ({}, {"email_verified": "true"}, True),  # as Apple writes it
        ({}, {"email_verified": False}, False),
        ({}, {"email_verified": "false"}, False),
        ({}, {"email_verified": 1.5}, False),
        ({}, {"email_verified": None}, False),
        ({}, {"email": ""}, False),
        ({}, {"email": "no address"}, False),
        ({}, {"email": ["mei@mail.example"]}, False),
        ({"email_verified_field": ""}, {}, False),
        ({"email_domains": ["gmail.com"]}, {}, False),
        ({"email_domains": ["MAIL.example"]}, {}, True),
        ({"email_domain_field": "hd"}, {}, False),
        ({"email_domain_field": "hd"}, {"hd": "Mail.example"}, True),
        ({"email_domain_field": "hd"}, {"hd": "elsewhere.example"}, False),
    ],
)
def test_an_email_counts_as_proved_only_where_the_provider_can_know(
    changes: dict[str, Any], claims: dict[str, Any], vouched: bool
) -> None:
    assert read_person(one(**changes), MEI | claims).email_vouched is vouched


def test_what_a_provider_calls_somebody_is_shortened_and_cleaned() -> None:
    who = read_person(one(), {"sub": 7, "name": "x\x00" + "y" * 300, "email": "@"})
    assert (who.subject, who.email, len(who.name)) == ("7", "", 119)
    assert read_person(one(), {"sub": "7", "name": ["x"]}).name == ""
