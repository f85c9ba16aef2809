"""Codes that are sent to phones and addresses: asked for, and what is known of the one on its way (A3, A8).

The browser's secret is in a cookie of its own; to whom the code went, and what for, is in the browser's signed session, for the page
that asks for the code.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from dataclasses import astuple, dataclass
from typing import TypedDict

from flask import request
from flask import session as form_session
from werkzeug.wrappers import Response

from gateway import formats
from gateway.clients import services
from gateway.languages import html_language
from gateway.storefront import cookies
from gateway.storefront.forms import IdentifierForm
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store

# What a code on its way is for: to come in, to be added to an account, to be connected with a provider's identity.
LOG_IN, ADD, CONNECT = "log_in", "add", "connect"
# As long as somebody may take over all of it, from the first code to the account.
_SECRET_SECONDS = 3_600
_SENT, _WAY, _SUGGESTED = "code_sent", "code_way", "code_suggested"
# Field of the contract → of the form.
FIELDS = {"email": "identifier", "phone": "identifier"}


class Identifier(TypedDict, total=False):
    """One of the two, as a request to identity_merge wants it."""

    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A code on its way."""

    to: str
    purpose: str


def read_identifier(typed: str | None) -> Identifier:
    """What was typed into the one field: with a letter or an @ it is meant as an address, otherwise as a phone."""
    clean = unicodedata.normalize("NFKC", typed or "").strip()
    is_address = not clean or "@" in clean or any(letter.isalpha() for letter in clean)
    return {"email": clean} if is_address else {"phone": clean}


def ask(form: IdentifierForm, slug: str, purpose: str = LOG_IN, *, session_token: str = "", way: str = "") -> str:
    """Has a code sent, whoever has the identifier; the browser's secret, to be kept. `way`: where to go on afterwards.

    Raises InvalidInput (email, phone), StateConflict (too_many_codes), Unauthenticated (session_refused) when `session_token` has ended.
    """
    identifier = read_identifier(form.identifier.data)
    browser = secret(slug) or new_secret()
    wish = pb.RequestCodeRequest(
        browser=browser,
        language=html_language(),
        source=request.remote_addr or "",
        session_token=session_token,
        **identifier,
    )
    services().accounts.request_code(wish, key=_key(form, identifier))
    expect(Sent("".join(identifier.values()), purpose))  # type: ignore[arg-type]  # a typed dictionary of texts
    go_on(way)
    return browser


def _key(form: IdentifierForm, identifier: Identifier) -> str:
    """The form's key for this identifier: whoever goes back to correct it sends the same form with another."""
    return f"{form.idempotency_key.data}-{hashlib.sha256(repr(identifier).encode()).hexdigest()[:16]}"


def expect(sent: Sent) -> None:
    """Notes a code that is on its way."""
    form_session[_SENT] = list(astuple(sent))


def sent() -> Sent | None:
    """The code on its way, as far as this browser knows."""
    found = form_session.get(_SENT)
    return Sent(*map(str, found)) if isinstance(found, list) and len(found) == 2 else None


def go_on(way: str) -> None:
    """Notes where this browser is to go on when it comes back from elsewhere."""
    form_session[_WAY] = way


def way(slug: str) -> str:
    """Where this browser was to go on, for a page that it reaches from elsewhere: a link of a mail, a provider."""
    return cookies.inside(slug, str(form_session.get(_WAY, "")))


def suggest(slug: str, identifier: str) -> None:
    """Notes what the field of the store's door shall hold when it is next shown."""
    form_session[_SUGGESTED] = [slug, identifier]


def suggested(slug: str) -> str:
    """That, once; "" where nothing was noted."""
    noted = form_session.get(_SUGGESTED)
    if not isinstance(noted, list) or noted[:1] != [slug]:
        return ""
    form_session.pop(_SUGGESTED)
    return str(noted[-1])


def forget() -> None:
    """The code has served."""
    form_session.pop(_SENT, None)
    form_session.pop(_WAY, None)


def secret(slug: str) -> str:
    """The browser's secret; "" where it never asked for a code, or an hour ago and more."""
    return cookies.read(cookies.CODE, slug)


def new_secret() -> str:
    """A secret for a browser that has none."""
    return secrets.token_urlsafe(32)


def keep_secret(response: Response, slug: str, browser: str = "") -> Response:
    """The secret that goes with codes and proofs, for another hour; a new one where there is none."""
    value = browser or secret(slug) or new_secret()
    cookies.keep(response, cookies.CODE, slug, value, _SECRET_SECONDS)
    return response


def written(store: Store, identifier: str) -> str:
    """A phone or an address as people of the store read it."""
    return identifier if "@" in identifier else formats.phone(identifier, store.region)
