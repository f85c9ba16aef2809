"""A customer's own account: points, level, orders, profile (C6, C7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from flask import current_app, render_template, request, url_for

from gateway.clients import services
from gateway.console.ask import if_up
from gateway.console.forms import KeyedForm
from gateway.storefront import session
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.offers import written
from gateway.storefront.points import by_last_day
from gateway.storefront.session import Member
from gateway.storefront.writing import Writing
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import levels_pb2 as levels
from onefold.membership.v1.service_pb2 import Customer, ListPointsEntriesRequest
from onefold.orders.v1.service_pb2 import ListOrdersRequest, ListOrdersResponse, Order
from onefold.orders.v1.spend_pb2 import ExplainSpendRequest
from services.common import clock
from services.common.links import Links
from services.common.paging import LARGEST_SIZE

_PAGE = 10
# Of so many pages of orders a year's spend is reckoned for a page.
_MOST_PAGES = 3


@dataclass(frozen=True, slots=True)
class Step:
    """The next level and how much of it is reached: `spent_minor` of its threshold, None where that is not known."""

    level: levels.Level
    spent_minor: int | None
    of_year: bool

    @property
    def missing_minor(self) -> int | None:
        """What is still to be spent."""
        return None if self.spent_minor is None else self.level.threshold_minor - self.spent_minor


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
        login=written(store, who.kind, who.login),
        person=person,
        write=Writing(store),
        step=next_level(rules, person, lambda: if_up(lambda: spent_in_a_year(who))) if rules and person else None,
        ending=if_up(lambda: _ending(who, store)),
        orders=if_up(lambda: _orders(who, token)),
        orders_page=token,
        order_link=lambda order: _order_link(store, order),
        key_form=KeyedForm(formdata=None),
    )


def next_level(rules: levels.LevelRules, person: Customer, of_year: Callable[[], int | None]) -> Step | None:
    """The first level above what the member has; None at the top and where there are no levels (B1).

    `of_year` says what was spent within 12 months, where that is what counts.
    """
    yearly = rules.basis == levels.LEVEL_BASIS_ROLLING_YEAR
    mine = next((level.threshold_minor for level in rules.levels if level.level_id == person.level_id), -1)
    spent = of_year() if yearly else person.net_spend_minor
    reached = max(mine, spent or 0)
    level = next((level for level in rules.levels if level.threshold_minor > reached), None)
    return Step(level, spent, yearly) if level else None


def spent_in_a_year(who: Member) -> int | None:
    """Net spend of the orders of the last 12 months, in minor units; None where these are too many to be gone through for a page."""
    wish, spent = ExplainSpendRequest(customer_id=who.customer_id, page=PageRequest(size=LARGEST_SIZE)), 0
    earliest = _a_year_before(clock.now())
    for _page in range(_MOST_PAGES):
        found = services().spend.explain(wish)
        recent = [order for order in found.orders if order.placed_at.ToDatetime(tzinfo=UTC) > earliest]
        spent += sum(order.paid_minor - order.refunded_minor for order in recent)
        if len(recent) < len(found.orders) or not found.next_page_token:
            return spent
        wish.page.token = found.next_page_token
    return None


def _a_year_before(moment: datetime) -> datetime:
    if (moment.month, moment.day) == (2, 29):
        return moment.replace(year=moment.year - 1, month=3, day=1)
    return moment.replace(year=moment.year - 1)


def _ending(who: Member, store: Store) -> tuple[date, int] | None:
    """The first day after which points run out, and how many (B2)."""
    wish = ListPointsEntriesRequest(customer_id=who.customer_id, page=PageRequest(size=1))
    days = by_last_day(services().membership.list_points_entries(wish).lots, store)
    return next(((day, points) for day, points in days if day), None)


def _orders(who: Member, token: str) -> ListOrdersResponse:
    wish = ListOrdersRequest(customer_ids=[who.customer_id], page=PageRequest(size=_PAGE, token=token))
    return services().orders.list(wish)


def _order_link(store: Store, order: Order) -> str:
    links: Links = current_app.extensions["onefold_links"]
    token = links.order(store.slug, UUID(store.store_id), UUID(order.order_id), clock.now())
    return url_for("storefront.order", slug=store.slug, token=token)
