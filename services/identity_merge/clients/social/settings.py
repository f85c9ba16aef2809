"""ONEFOLD_SOCIAL_PROVIDERS: a JSON list of providers, each a preset with an id and a secret, or written out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.common.config import ConfigError, Environment
from services.identity_merge.domain.social import OWN_KINDS, PROVIDER_ID, Provider, ProviderKind, is_safe

VARIABLE = "SOCIAL_PROVIDERS"
LOOPBACK = "SOCIAL_LOOPBACK"
_FACEBOOK = "https://graph.facebook.com/v23.0"
PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Google itself says that it vouches for its own addresses and for those of a domain that it hosts, whatever email_verified says.
    "google": {
        "name": "Google",
        "kind": "oidc",
        "issuer": "https://accounts.google.com",
        "scopes": ["openid", "email", "profile"],
        "parameters": {"prompt": "select_account"},
        "email_domains": ["gmail.com", "googlemail.com"],
        "email_domain_field": "hd",
    },
    # Nothing in Facebook's answer says that the address was ever proved.
    "facebook": {
        "name": "Facebook",
        "kind": "oauth2",
        "authorize_url": "https://www.facebook.com/v23.0/dialog/oauth",
        "token_url": f"{_FACEBOOK}/oauth/access_token",
        "userinfo_url": f"{_FACEBOOK}/me?fields=id,name,email",
        "scopes": ["public_profile", "email"],
        "id_field": "id",
    },
    # Unless asked for a key that others can check by, LINE signs with the channel's secret, which is not taken here.
    "line": {
        "name": "LINE",
        "kind": "oidc",
        "issuer": "https://access.line.me",
        "scopes": ["openid", "profile", "email"],
        "token_parameters": {"id_token_key_type": "JWK"},
        "email_verified_field": "",
    },
    # Whoever asks Apple for the e-mail gets the answer as a form.
    "apple": {
        "name": "Apple",
        "kind": "oidc",
        "issuer": "https://appleid.apple.com",
        "scopes": ["openid", "email"],
        "parameters": {"response_mode": "form_post"},
    },
}
_TEXTS = (
    *("id", "name", "kind", "client_id", "client_secret", "issuer", "authorize_url", "token_url", "userinfo_url"),
    *("token_auth", "id_field", "name_field", "email_field", "email_verified_field", "email_domain_field"),
)
_LISTS = ("scopes", "email_domains")
_MAPS = ("parameters", "token_parameters")
_SWITCHES = ("pkce", "userinfo")
_ADDRESSES = {
    ProviderKind.OIDC: ("issuer",),
    ProviderKind.OAUTH2: ("authorize_url", "token_url", "userinfo_url"),
}
_TOKEN_AUTHS = ("client_secret_post", "client_secret_basic")
# What the flow itself says.
_RESERVED = frozenset(
    {"client_id", "client_secret", "redirect_uri", "response_type", "scope", "state", "nonce", "code", "grant_type"}
    | {"code_challenge", "code_challenge_method", "code_verifier"}
)


class _Wrong(Exception):
    """(field, what is wrong with it)"""


def read_providers(environment: Environment) -> tuple[list[Provider], bool]:
    """The providers in their order, and whether plain http to this machine is allowed. Raises ConfigError naming what is wrong."""
    loopback = environment.number(LOOPBACK, 0) != 0
    try:
        entries = json.loads(environment.text(VARIABLE, "") or "[]")
    except ValueError as error:
        raise ConfigError(f"ONEFOLD_{VARIABLE} is not JSON: {error}") from None
    if not isinstance(entries, list):
        raise ConfigError(f"ONEFOLD_{VARIABLE} is not a list")
    providers: list[Provider] = []
    for n, entry in enumerate(entries):
        try:
            provider = _provider(entry, loopback=loopback)
            if any(provider.provider_id == other.provider_id for other in providers):
                raise _Wrong("id", "is there twice")
        except _Wrong as wrong:
            raise ConfigError(f"ONEFOLD_{VARIABLE}[{n}].{wrong.args[0]} {wrong.args[1]}") from None
        providers.append(provider)
    return providers, loopback


def _provider(entry: object, *, loopback: bool) -> Provider:
    values = _with_preset(entry)
    for name, value in values.items():
        _check_type(name, value)
    kind = _kind(values)
    for name in ("id", "name", "client_id", "client_secret"):
        if not values.get(name):
            raise _Wrong(name, "is missing")
    if not PROVIDER_ID.fullmatch(values["id"]) or values["id"] in OWN_KINDS:
        raise _Wrong(
            "id", "must be lower case letters, digits and hyphens, and none of " + ", ".join(sorted(OWN_KINDS))
        )
    for name in _ADDRESSES[kind]:
        if not is_safe(values.get(name, ""), loopback=loopback):
            raise _Wrong(name, "must begin with https://")
    if values.get("token_auth", _TOKEN_AUTHS[0]) not in _TOKEN_AUTHS:
        raise _Wrong("token_auth", "must be one of " + ", ".join(_TOKEN_AUTHS))
    for name in _MAPS:
        if taken := _RESERVED & set(values.get(name, {})):
            raise _Wrong(name, f"may not say {', '.join(sorted(taken))}")
    return _built(values, kind)


def _with_preset(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise _Wrong("", "is not an object")
    values = dict(entry)
    preset = values.pop("preset", None)
    if preset is None:
        return values
    if preset not in PRESETS:
        raise _Wrong("preset", "must be one of " + ", ".join(PRESETS))
    return {"id": preset, **PRESETS[preset], **values}


def _check_type(name: str, value: object) -> None:
    if name in _TEXTS:
        good = isinstance(value, str)
    elif name in _LISTS:
        good = isinstance(value, list) and all(isinstance(v, str) for v in value)
    elif name in _MAPS:
        good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    elif name in _SWITCHES:
        good = isinstance(value, bool)
    else:
        raise _Wrong(name, "is no setting of a provider")
    if not good:
        raise _Wrong(name, "is of the wrong type")


def _kind(values: Mapping[str, Any]) -> ProviderKind:
    try:
        return ProviderKind(values.get("kind", ""))
    except ValueError:
        raise _Wrong("kind", "must be one of " + ", ".join(ProviderKind)) from None


def _built(values: dict[str, Any], kind: ProviderKind) -> Provider:
    defaults: dict[str, Any] = {"scopes": ["openid", "email", "profile"]}
    if kind is ProviderKind.OAUTH2:
        # Of what nobody has signed nothing is believed that was not set so.
        defaults = {"scopes": [], "id_field": "id", "email_verified_field": "", "issuer": ""}
    values = {**defaults, **values, "kind": kind}
    if kind is ProviderKind.OAUTH2:
        values["issuer"] = ""
    domains = tuple(domain.casefold() for domain in values.pop("email_domains", []))
    return Provider(provider_id=values.pop("id"), scopes=tuple(values.pop("scopes")), email_domains=domains, **values)
