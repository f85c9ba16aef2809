"""The page of the till and its service worker. The page names no person, for the worker keeps it; who is there, the script asks."""

from __future__ import annotations

import orjson
from flask import Response, make_response, render_template

from gateway.auth import requires
from gateway.pos import assets
from gateway.pos.frame import blueprint
from gateway.pos.words import words
from services.common.permissions import ORDERS_WRITE

# How the worker knows whether the page that it has just fetched belongs to the files that it keeps.
SHELL_HEADER = "X-Onefold-Shell"


@blueprint.get("/")
@requires(ORDERS_WRITE)
def till() -> Response:
    """The till, whose parts are put together by script: it must work where no server can be asked."""
    page = render_template("pos/page.html", words=orjson.dumps(words()).decode())
    response = make_response(page)
    response.headers[SHELL_HEADER] = assets.version()
    return response


@blueprint.get("/sw.js")
def worker() -> Response:
    """The service worker. It lies below /pos, and so reaches no other page."""
    kept = orjson.dumps(assets.addresses()).decode()
    script = render_template("pos/sw.js", version=assets.version(), assets=kept, header=SHELL_HEADER)
    return Response(script, mimetype="text/javascript", headers={"Cache-Control": "no-cache"})
