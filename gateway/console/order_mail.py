"""What reaches the customer about an order: its e-mail once more (E3), the link to its page (C7)."""

from __future__ import annotations

from uuid import UUID

from flask import flash, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway import links
from gateway.auth import requires
from gateway.console import ask
from gateway.console.forms import KeyedForm
from gateway.console.frame import blueprint
from gateway.console.problems import sentence_of
from services.common.errors import OnefoldError
from services.common.permissions import ORDERS_WRITE


def customer_link(order_id: UUID) -> str:
    """The address of the order's page, as the order e-mail has it; for whoever cannot get the e-mail."""
    return links.order_page(ask.store(), str(order_id))


@blueprint.post("/orders/<uuid:order_id>/email")
@requires(ORDERS_WRITE)
def resend_email(order_id: UUID) -> Response:
    """Sends the order e-mail to the address that is on the order now; a double click sends one (E7)."""
    try:
        order = ask.resend_email(str(order_id), KeyedForm().idempotency_key.data)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The order e-mail goes to %(address)s once more.", address=order.contact.email), "good")
    return redirect(url_for("console.order", order_id=order_id))
