"""The readable side of the API: its OpenAPI document, a page made of it, and the list of problems."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_openapi3.openapi import OpenAPI

from gateway.api.base import PREFIX
from gateway.api.checked import answer
from gateway.reasons import FIELDS, OTHERS, sentence_of

# The page's script and style come from a wheel; nothing is loaded from elsewhere.
_ASSETS = files("flask_openapi3_swagger") / "templates" / "swagger"
blueprint = Blueprint(
    "api_docs", __name__, url_prefix="/api/docs", static_folder=str(_ASSETS), static_url_path="/assets"
)


def document(app: OpenAPI) -> dict[str, Any]:
    """The OpenAPI 3.1 document, made of the code at the first call."""
    return app.api_doc


@blueprint.get("")
def page() -> ResponseReturnValue:
    """The document as a page."""
    return render_template("api/docs.html", document=f"{PREFIX}/openapi.json")


@blueprint.get("/problems")
def problems() -> ResponseReturnValue:
    """Every reason with its sentence; the `type` of a problem leads here."""
    fields = {reason: sentence_of(reason) for reason in FIELDS}
    others = {reason: sentence_of(reason) for reason in OTHERS}
    return render_template("api/problems.html", fields=fields, others=others)


def openapi() -> ResponseReturnValue:
    """The document; it says nothing that needs a key to see."""
    app = current_app
    assert isinstance(app, OpenAPI)  # noqa: S101 - create_app makes no other
    return answer(document(app))
