"""Providers that vouch for customers: what an installation sets for each, and what one says of a person (A3, A8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from services.common.contact import LONGEST_NAME, clean_text, comparable_email, parse_email
from services.common.errors import InvalidInput
from services.identity_merge.domain.access import LANGUAGES
from services.identity_merge.domain.logins import Begun, LoginMethod, Visit
from services.identity_merge.domain.proofs import Outcome, Proved

# As long as somebody may take over the provider's own log-in page.
LIFETIME = timedelta(minutes=10)
LONGEST_SUBJECT = 255
PROVIDER_ID = re.compile(r"[a-z][a-z0-9-]{0,29}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# Kinds of login methods, and words for how a session began, that are ours.
OWN_KINDS = frozenset({"phone", "email", "password", "code", "link"})


class ProviderKind(StrEnum):
    """OpenID Connect says who somebody is in a signed token; OAuth 2 alone needs a question more."""

    OIDC = "oidc"
    OAUTH2 = "oauth2"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider as the operators have set it up. Its id is the kind of the login methods that it makes, so it never changes."""

    provider_id: str
    name: str
    kind: ProviderKind
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    # OpenID Connect: everything else is read from there. OAuth 2: three addresses.
    issuer: str = ""
    authorize_url: str = ""
    token_url: str = ""
    userinfo_url: str = ""
    # OpenID Connect: ask there too, for providers that keep the e-mail out of their tokens.
    userinfo: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    token_parameters: Mapping[str, str] = field(default_factory=dict)
    token_auth: str = "client_secret_post"  # noqa: S105 - a way, no secret
    pkce: bool = True
    id_field: str = "sub"
    name_field: str = "name"
    email_field: str = "email"
    # What must be true for the provider to vouch for the e-mail; empty: it never does.
    email_verified_field: str = "email_verified"
    # Where it vouches: in these domains, and in the one that this field names. Both empty: everywhere.
    email_domains: tuple[str, ...] = ()
    email_domain_field: str = ""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What a provider says of a person. The e-mail is a mere suggestion unless the provider vouches for it."""

    provider_id: str
    subject: str
    name: str
    email: str
    email_vouched: bool

    @property
    def label(self) -> str:
        """What the person knows the provider's account by."""
        return (self.email if self.email_vouched else "") or self.name


@dataclass(frozen=True, slots=True)
class Attempt:
    """A browser that was sent to a provider. `adds_to` is the customer to whom the provider is to be added, None to log in."""

    provider_id: str
    redirect_uri: str
    language: str
    adds_to: UUID | None


@dataclass(frozen=True, slots=True)
class Departure:
    """A browser that wants to be sent to a provider; with a session's `credential` to add to that account."""

    provider_id: str
    browser: str
    redirect_uri: str
    language: str
    credential: str = ""

    @classmethod
    def read(cls, provider_id: str, browser: str, redirect_uri: str, language: str, credential: str) -> Departure:
        """From a request. Raises InvalidInput (unknown_value)."""
        if language and language not in LANGUAGES:
            raise InvalidInput.of("language", "unknown_value", known=", ".join(LANGUAGES))
        return cls(provider_id, browser, redirect_uri, language, credential)


@dataclass(frozen=True, slots=True)
class Return:
    """What a browser came back with; `source` is its network."""

    browser: str
    state: str
    code: str
    error: str
    issuer: str
    source: str
    visit: Visit


@dataclass(frozen=True, slots=True)
class Met:
    """What came of a provider's word. `proof`: where the code went (PROVE), or what the provider vouches for (REGISTER, HELD)."""

    outcome: Outcome
    begun: Begun | None = None
    proof: Proved | None = None
    added: LoginMethod | None = None


class NotVouched(Exception):
    """The provider vouches for nobody; the message is a word for the log, without anything of the person."""


class Away(Exception):
    """The provider did not answer in time, or what came was no answer; the message is a word for the log."""


def is_safe(address: str, *, loopback: bool) -> bool:
    """Whether a provider's address may be used: https, or with `loopback` also plain http to this machine."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or not address.isprintable() or " " in address:
        return False
    return parts.scheme == "https" or (loopback and parts.scheme == "http" and host in _LOOPBACK)


def read_person(provider: Provider, claims: Mapping[str, Any]) -> Vouched:
    """Who it is, from the provider's claims. Raises NotVouched (no_subject)."""
    subject = claims.get(provider.id_field)
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise NotVouched("no_subject")
    email = _email(claims.get(provider.email_field))
    vouched = bool(email) and _vouches(provider, claims, email)
    return Vouched(provider.provider_id, subject, _name(claims.get(provider.name_field)), email, vouched)


def _vouches(provider: Provider, claims: Mapping[str, Any], email: str) -> bool:
    # Apple writes the word.
    if not provider.email_verified_field or claims.get(provider.email_verified_field) not in (True, "true"):
        return False
    if not provider.email_domains and not provider.email_domain_field:
        return True
    domain = comparable_email(email).rpartition("@")[2]
    hosted = claims.get(provider.email_domain_field) if provider.email_domain_field else None
    return domain in provider.email_domains or (isinstance(hosted, str) and hosted.casefold() == domain)


def _email(value: object) -> str:
    """An address; "" for what is none, for no form could be sent with it."""
    try:
        return parse_email(value) if isinstance(value, str) else ""
    except InvalidInput:
        return ""


def _name(value: object) -> str:
    return clean_text(value[:LONGEST_NAME], "name") if isinstance(value, str) else ""
