"""The readable side of the API: its OpenAPI document, a page made of it, and the list of problems."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import orjson
from flask import Blueprint, Response, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_openapi3.openapi import OpenAPI

from gateway.api.base import PREFIX
from gateway.catalogue import contracts
from gateway.reasons import FIELDS, OTHERS, sentence_of

# The page's script and style come from a wheel; nothing is loaded from elsewhere.
_ASSETS = files("flask_openapi3_swagger") / "templates" / "swagger"
blueprint = Blueprint(
    "api_docs", __name__, url_prefix="/api/docs", static_folder=str(_ASSETS), static_url_path="/assets"
)


_RULE = re.compile(r" \([A-H]\d+(?:[-, ]+[A-H]\d+)*\)")


@cache
def document(app: OpenAPI) -> bytes:
    """The OpenAPI 3.1 document as JSON, made of the code at the first call. The numbers of rules in it are of use to us alone."""
    return _RULE.sub("", orjson.dumps(app.api_doc).decode()).encode()


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


@blueprint.get("/events")
def events() -> ResponseReturnValue:
    """The catalogue of events: webhooks, and what the services tell one another (H5)."""
    known = contracts()
    return render_template(
        "api/events.html", webhooks=list(known.webhooks()), contexts=list(known.contexts()), promise=known.promise()
    )


def openapi() -> ResponseReturnValue:
    """The document; it says nothing that needs a key to see."""
    app = current_app
    assert isinstance(app, OpenAPI)  # noqa: S101 - create_app makes no other
    return Response(document(app), mimetype="application/json")
