"""Who stands at the till, in which store, and the token that writes need: asked for anew before sales are sent (E8)."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Response
from flask_wtf.csrf import generate_csrf

from gateway import formats
from gateway.api.checked import answer, checked
from gateway.auth import principal
from gateway.pos.frame import blueprint
from services.common.permissions import MEMBERS_WRITE, ORDERS_WRITE


@blueprint.get("/data/session")
@checked(ORDERS_WRITE)
def session() -> Response:
    """`now` lets the till tell by how much its clock is wrong."""
    who = principal()
    store = who.store
    return answer(
        {
            "csrf_token": generate_csrf(),
            "now": datetime.now(UTC).isoformat(),
            "staff": {"name": who.staff.name} if who.staff else {"name": ""},
            "may_edit": who.may(MEMBERS_WRITE),
            "store": {
                "store_id": store.store_id,
                "name": store.name,
                "currency": store.currency,
                "symbol": formats.symbol(store.currency),
                "digits": formats.digits(store.currency),
                "timezone": store.timezone or "UTC",
            },
        }
    )
