"""English and Traditional Chinese (G3): which of them a request is answered in, and their catalogues.

Catalogues are read from their .po files when first needed. There is no compiled copy, so none can be forgotten or stale.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask.typing import ResponseReturnValue
from flask_babel import Babel, Domain, get_locale
from werkzeug.wrappers import Response

from gateway.context import is_api

COOKIE = "onefold_language"
# Written as in BCP 47 outside, as in Babel inside.
LOCALES = {"en": "en", "zh-Hant": "zh_Hant"}
_FOLDER = Path(__file__).parent / "translations"


@cache
def catalogue(locale: str, domain: str) -> NullTranslations:
    """The translations of one domain; English has none, its sentences are the keys."""
    path = _FOLDER / locale / "LC_MESSAGES" / f"{domain}.po"
    if not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        messages = read_po(file, locale=locale)
    compiled = io.BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return Translations(compiled, domain)


class Catalogue(Domain):  # type: ignore[misc]  # flask_babel has no types
    """A gettext domain read from .po files."""

    def __init__(self, domain: str) -> None:
        super().__init__(domain=domain)

    def get_translations(self) -> NullTranslations:
        """Those of the request's language."""
        return catalogue(str(get_locale() or "en"), self.domain[0])


class _Languages(Babel):  # type: ignore[misc]
    domain_instance = Catalogue("messages")


def install(app: Flask) -> None:
    """Gives the application its languages, and its templates `html_language` and `page_address`."""
    _Languages().init_app(app, default_locale="en", locale_selector=choose)

    @app.context_processor
    def _context() -> dict[str, str]:
        return {"html_language": html_language(), "page_address": request.full_path.removesuffix("?")}


def html_language() -> str:
    """The request's language as BCP 47: en or zh-Hant."""
    return str(get_locale() or "en").replace("_", "-")


def locale_of(tag: str) -> str | None:
    """Our locale for a BCP 47 tag; None for other languages. Every kind of Chinese is better served by Chinese."""
    primary = tag.replace("_", "-").lower().split("-")[0]
    return {"en": "en", "zh": "zh_Hant"}.get(primary)


def choose() -> str:
    """?language, then the person's earlier choice, then the store's, then the browser's; English otherwise.

    Programs get what their Accept-Language says, for they neither keep cookies nor read what the store's staff reads.
    """
    wanted = (
        []
        if is_api()
        else [request.args.get("language", ""), request.cookies.get(COOKIE, ""), g.get("store_language", "")]
    )
    for tag in (*wanted, *request.accept_languages.values()):
        if found := locale_of(tag):
            return found
    return "en"


def remember(response: Response, tag: str, *, secure: bool) -> ResponseReturnValue:
    """Keeps a person's choice for a year; an unknown language changes nothing."""
    if tag in LOCALES:
        response.set_cookie(COOKIE, tag, max_age=365 * 86_400, httponly=True, samesite="Lax", secure=secure)
    return response
