"""For whoever watches the process (H6)."""

from __future__ import annotations

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from gateway.clients import services

blueprint = Blueprint("probes", __name__)
_SECONDS = 0.5


@blueprint.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answers while the process works."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Ready once it answers, with the state of each service beside it.

    A service that is away is told on the pages concerned, and the others go on (E6). Taking every gateway out of balance for it
    would turn a part that is missing into a whole.
    """
    return {"status": "ready", "services": dict(services().health(_SECONDS))}


@blueprint.get("/")
def root() -> ResponseReturnValue:
    """The bare address leads to the console."""
    return redirect(url_for("console.home"))
