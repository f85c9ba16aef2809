"""A member's points: by the day on which they run out, and every movement (B2, B4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask import render_template, request

from gateway import formats
from gateway.clients import services
from gateway.storefront import session
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.writing import Writing
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1.service_pb2 import ListPointsEntriesRequest, PointsLot

_PAGE = 20


@blueprint.get("/<slug>/account/points")
def points(slug: str) -> str:
    """The balance by its last days, and the ledger page by page, newest first."""
    store, token = store_at(slug), request.args.get("page", "")
    who = session.members_only(store)
    wish = ListPointsEntriesRequest(customer_id=who.customer_id, page=PageRequest(size=_PAGE, token=token))
    found = services().membership.list_points_entries(wish)
    return render_template(
        "storefront/points.html",
        store=store,
        found=found,
        days=by_last_day(found.lots, store),
        later_page=bool(token),
        write=Writing(store),
    )


def by_last_day(lots: Sequence[PointsLot], store: Store) -> list[tuple[date | None, int]]:
    """(last day in the store's time zone, points) in that order; None, for points without an end, comes last."""
    zone = formats.zone_of(store.timezone)
    days: dict[date | None, int] = {}
    for lot in lots:
        day = formats.last_day(lot.expires_at, zone) if lot.HasField("expires_at") else None
        days[day] = days.get(day, 0) + lot.remaining
    return sorted(((day, n) for day, n in days.items() if n), key=lambda pair: (pair[0] is None, pair[0] or date.min))
