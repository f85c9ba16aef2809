"""The page behind the link in a confirmation e-mail (A4)."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from gateway.clients import services
from gateway.context import NOBODY
from gateway.storefront.frame import blueprint
from onefold.identity_merge.v1 import service_pb2 as identity


@blueprint.get("/confirm")
def confirm() -> ResponseReturnValue:
    """The page behind the link in a confirmation e-mail (A4).

    Opening it changes nothing: mail scanners open every link, and would confirm what nobody has read.
    """
    return render_template("storefront/confirm.html", token=request.args.get("token", ""))


@blueprint.post("/confirm")
def confirm_now() -> ResponseReturnValue:
    """Marks the address as proved. The token says which store it belongs to, so the caller needs none.

    Raises NotFound (confirmation_refused) in the same words for every cause, which the error page tells.
    """
    answer = services().logins.confirm(identity.ConfirmLoginRequest(token=request.form.get("token", "")), claims=NOBODY)
    return render_template("storefront/confirmed.html", store=answer.store)
