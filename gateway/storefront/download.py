"""All that is kept about a member, as one file for them (C6): JSON, streamed page by page, under keys that stay as they are.

Times are UTC in ISO 8601, amounts minor units of the currency beside them. Words for kinds and states are those of the API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import orjson
from flask import Response

from gateway import exports
from gateway.clients import Services, services
from gateway.storefront import session, told
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.logins import account_of
from gateway.storefront.session import Member
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1.levels_pb2 import ListLevelChangesRequest
from onefold.membership.v1.registration_pb2 import GetConsentsRequest
from onefold.membership.v1.service_pb2 import ListPointsEntriesRequest
from onefold.notification.v1.service_pb2 import ListMessagesRequest
from onefold.orders.v1.service_pb2 import GetOrderRequest, ListOrdersRequest, Order
from services.common import clock
from services.common.paging import LARGEST_SIZE
from services.common.tokens import ServiceClaims

FORMAT = "onefold-account-1"
Json = dict[str, Any]
Row = TypeVar("Row")
# A list of the file, in parts.
Parts = Iterator[Sequence[Json]]


@blueprint.get("/<slug>/account/data.json")
def download(slug: str) -> Response:
    """The file. Each part is begun at once, so that what is wrong is told as usual; a file that breaks off later has no end."""
    store = store_at(slug)
    who = session.members_only(store)
    short, lists = _short(store, who), _lists(services(), who)
    name = f"{store.slug}-{clock.now():%Y-%m-%d}.json"
    return Response(
        _written(short, lists),
        mimetype="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _short(store: Store, who: Member) -> Json:
    """The parts that are no longer than a page."""
    person, account = session.profile(who), account_of(store)
    consents = services().consents.get(GetConsentsRequest(customer_id=who.customer_id))
    points = services().membership.list_points_entries(_of_points(who, 1))
    return {
        "format": FORMAT,
        "written_at": clock.now().isoformat(),
        "store": {"name": store.name, "slug": store.slug, "currency": store.currency, "time_zone": store.timezone},
        "profile": told.profile(person),
        "login_methods": [told.login_method(method) for method in account.login_methods],
        "has_password": account.has_password,
        "sessions": [told.login_session(each) for each in account.sessions],
        "addresses": [told.address(each) for each in person.addresses],
        "consents": [told.consent(each) for each in consents.consents],
        "consent_changes": [told.consent(each) for each in consents.changes],
        "points": {"balance": points.balance, "lots": [told.points_lot(lot) for lot in points.lots]},
    }


def _lists(to: Services, who: Member) -> dict[str, Parts]:
    """The parts that may be of any length, newest first."""
    orders = ListOrdersRequest(customer_ids=[who.customer_id], page=PageRequest(size=LARGEST_SIZE))
    levels = ListLevelChangesRequest(customer_id=who.customer_id, page=PageRequest(size=LARGEST_SIZE))
    messages = ListMessagesRequest(customer_id=who.customer_id, page=PageRequest(size=LARGEST_SIZE))
    pages = partial(exports.pages_of, claims=who.claims)
    whole = partial(_whole_order, to, who.claims)
    entries = _of_points(who, LARGEST_SIZE)
    return {
        "orders": _told(
            pages(to.orders.list, orders, lambda answer: answer.orders), lambda row: told.order(whole(row))
        ),
        "points_entries": _told(
            pages(to.membership.list_points_entries, entries, lambda answer: answer.entries), told.points_entry
        ),
        "level_changes": _told(pages(to.levels.list_changes, levels, lambda answer: answer.changes), told.level_change),
        "messages": _told(
            pages(to.notifications.list_messages, messages, lambda answer: answer.messages), told.message
        ),
    }


def _of_points(who: Member, size: int) -> ListPointsEntriesRequest:
    return ListPointsEntriesRequest(customer_id=who.customer_id, page=PageRequest(size=size))


def _whole_order(to: Services, claims: ServiceClaims, listed: Order) -> Order:
    """With its lines, which lists leave out."""
    wish = GetOrderRequest(order_id=listed.order_id)
    return exports.patiently(partial(to.orders.get, claims=claims), wish).order


def _told(pages: Iterator[Sequence[Row]], tell: Callable[[Row], Json]) -> Parts:
    """The first page is read now, the others when they are written."""
    first = next(pages)
    return ([tell(row) for row in page] for page in chain([first], pages))


def _written(short: Json, lists: dict[str, Parts]) -> Iterator[bytes]:
    yield orjson.dumps(short, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    for name, parts in lists.items():
        yield b',\n  "%s": [' % name.encode()
        separator = b"\n    "
        for part in parts:
            for row in part:
                yield separator + orjson.dumps(row)
                separator = b",\n    "
        yield b"\n  ]"
    yield b"\n}\n"
