"""A customer's own account: points, level, orders, profile (C6, C7)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import current_app, render_template, request, url_for

from gateway import formats
from gateway.clients import services
from gateway.console.ask import if_up
from gateway.console.forms import KeyedForm
from gateway.storefront import session
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.session import Member
from gateway.storefront.writing import Writing
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1.service_pb2 import Customer, ListPointsEntriesRequest, PointsLot
from onefold.orders.v1.service_pb2 import ListOrdersRequest, ListOrdersResponse, Order
from services.common import clock
from services.common.links import Links

_PAGE = 10


@dataclass(frozen=True, slots=True)
class Step:
    """The next level: how much is missing, where that can be said, and whether only the last 12 months count."""

    level: levels.Level
    missing_minor: int | None
    of_year: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """Points that run out first, and when."""

    points: int
    lot: PointsLot


@blueprint.get("/<slug>/account")
def account(slug: str) -> str:
    """The account as its owner sees it; parts that cannot be reached say so, and the rest shows."""
    store = store_at(slug)
    who = session.members_only(store)
    person, token = if_up(lambda: session.profile(who)), request.args.get("orders", "")
    rules = if_up(lambda: services().levels.get(levels.GetLevelsRequest()).rules)
    return render_template(
        "storefront/account.html",
        store=store,
        who=who,
        person=person,
        write=Writing(store),
        step=next_level(rules, person) if rules and person else None,
        ending=if_up(lambda: _ending(who, store)),
        orders=if_up(lambda: _orders(who, token)),
        orders_page=token,
        order_link=lambda order: _order_link(store, order),
        key_form=KeyedForm(formdata=None),
    )


def next_level(rules: levels.LevelRules, person: Customer) -> Step | None:
    """The first level above what the member has; None at the top and where there are no levels (B1).

    Of the last 12 months only the threshold is known here, not how much of it is reached.
    """
    of_year = rules.basis == levels.LEVEL_BASIS_ROLLING_YEAR
    mine = next((level.threshold_minor for level in rules.levels if level.level_id == person.level_id), -1)
    reached = mine if of_year else max(mine, person.net_spend_minor)
    level = next((level for level in rules.levels if level.threshold_minor > reached), None)
    if level is None:
        return None
    return Step(level, None if of_year else level.threshold_minor - person.net_spend_minor, of_year)


def first_to_end(lots: Sequence[PointsLot], store: Store) -> Ending | None:
    """The points that run out on the first day on which any do (B2)."""
    zone = formats.zone_of(store.timezone)
    days: dict[int, list[PointsLot]] = {}
    for lot in lots:
        if lot.HasField("expires_at") and lot.remaining:
            days.setdefault(formats.last_day(lot.expires_at, zone).toordinal(), []).append(lot)
    first = days[min(days)] if days else []
    return Ending(sum(lot.remaining for lot in first), first[0]) if first else None


def _ending(who: Member, store: Store) -> Ending | None:
    wish = ListPointsEntriesRequest(customer_id=who.customer_id, page=PageRequest(size=1))
    return first_to_end(services().membership.list_points_entries(wish).lots, store)


def _orders(who: Member, token: str) -> ListOrdersResponse:
    wish = ListOrdersRequest(customer_ids=[who.customer_id], page=PageRequest(size=_PAGE, token=token))
    return services().orders.list(wish)


def _order_link(store: Store, order: Order) -> str:
    links: Links = current_app.extensions["onefold_links"]
    token = links.order(store.slug, UUID(store.store_id), UUID(order.order_id), clock.now())
    return url_for("storefront.order", slug=store.slug, token=token)
