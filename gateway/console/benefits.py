"""What a member's level and points take off an order that is being entered (B1, B2)."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from flask import jsonify
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask
from gateway.console.frame import blueprint
from gateway.formats import digits, money
from onefold.membership.v1.benefits_pb2 import QuoteBenefitsRequest, QuoteBenefitsResponse
from services.common.errors import NotFound
from services.common.permissions import ORDERS_WRITE


@blueprint.get("/members/<uuid:customer_id>/benefits.json")
@requires(ORDERS_WRITE)
def benefits(customer_id: UUID) -> Response:
    """For the form of an order, when somebody was picked."""
    found = quote(str(customer_id))
    return jsonify(
        percent=found.discount_percent, points=found.points_balance, rate=found.redeem_per_unit, words=words(found)
    )


def quote(customer_id: str) -> QuoteBenefitsResponse:
    """What the customer has. Raises what `membership` raises."""
    return services().benefits.quote(QuoteBenefitsRequest(customer_id=customer_id))


def of_picked(customer_id: str) -> QuoteBenefitsResponse:
    """The same for a form, which can do without: nothing where nobody is picked or membership cannot be reached (E6)."""
    found = None
    if customer_id:
        with suppress(NotFound):
            found = ask.if_up(lambda: quote(customer_id))
    return found or QuoteBenefitsResponse()


def words(found: QuoteBenefitsResponse) -> str:
    """Level, discount, points and what they are worth, in a line; empty for who has none of it."""
    parts = [found.level_name] if found.level_name else []
    if found.discount_percent:
        parts.append(_("%(percent)s off", percent=f"{found.discount_percent}%"))
    if found.points_balance:
        parts.append(ngettext("%(num)s point", "%(num)s points", found.points_balance))
        if found.redeem_per_unit:
            currency = ask.store().currency
            value = found.points_balance * 10 ** digits(currency) // found.redeem_per_unit
            parts[-1] = _("%(points)s, worth %(amount)s", points=parts[-1], amount=money(value, currency))
    return " · ".join(parts)
