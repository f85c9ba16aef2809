"""Lists of customers as CSV, streamed (C11): a page at a time, so that a million rows take no more memory than a hundred."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
from flask import Response
from flask_babel import gettext as _

from gateway.auth import principal
from gateway.clients import Services, services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from services.common.errors import Unavailable
from services.common.money import MINOR_DIGITS
from services.common.paging import LARGEST_SIZE
from services.common.tokens import ServiceClaims

_BOM = "\ufeff"
# A spreadsheet takes a cell that begins so for a formula. Full-width signs too: some of them fold those first.
_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_PHONE = re.compile(r"\+\d[\d ]{6,20}")
# A page that could not be had is asked for again; then the file breaks off, and is seen to: no last chunk, no whole file.
_TRIES = 3


def csv_response(asked: pb.CustomerFilter, sort: pb.CustomerSort.ValueType) -> Response:
    """The whole list as a file. The first page is read at once, so that what is wrong with the filter is told as usual.

    Raises the errors of the list.
    """
    who, of_process = principal(), services()
    request = pb.ListCustomersRequest(filter=asked, sort=sort, page=PageRequest(size=LARGEST_SIZE))
    pages = _pages(of_process, who.claims, request)
    first = next(pages)
    name = f"members-{datetime.now(ZoneInfo(who.store.timezone or 'UTC')):%Y-%m-%d}.csv"
    return Response(
        _lines(_header(who.store), first, pages, who.store, _statuses()),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _pages(of_process: Services, claims: ServiceClaims, request: pb.ListCustomersRequest) -> Iterator[list[Customer]]:
    """All pages. After the first the request's own time is over; each call has its deadline still."""
    while True:
        answer = _page(of_process, claims, request)
        yield list(answer.customers)
        if not answer.next_page_token:
            return
        request.page.token = answer.next_page_token


def _page(of_process: Services, claims: ServiceClaims, request: pb.ListCustomersRequest) -> pb.ListCustomersResponse:
    for tries in range(_TRIES):
        try:
            return of_process.directory.list(request, claims=claims)
        except Unavailable:
            if tries == _TRIES - 1:
                raise
    raise Unavailable("service_unavailable")


def _lines(
    header: list[str], first: list[Customer], rest: Iterator[list[Customer]], store: Store, statuses: dict[int, str]
) -> Iterator[str]:
    zone = ZoneInfo(store.timezone or "UTC")
    yield _BOM + _written([header])
    yield _written(_row(customer, store, zone, statuses) for customer in first)
    for page in rest:
        yield _written(_row(customer, store, zone, statuses) for customer in page)


def _written(rows: Any) -> str:
    """Every cell is quoted: where a semicolon parts cells, no text can smuggle in another one."""
    buffer = io.StringIO()
    csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()


def _header(store: Store) -> list[str]:
    return [
        *(_("Name"), _("Phone"), _("E-mail"), _("Birthday"), _("Language"), _("Status"), _("Level"), _("Tags")),
        *(
            _("Points"),
            _("Net spend (%(currency)s)", currency=store.currency),
            _("Orders"),
            _("Joined"),
            _("Customer id"),
        ),
    ]


def _statuses() -> dict[int, str]:
    return {CustomerStatus.CUSTOMER_STATUS_GUEST: _("Guest"), CustomerStatus.CUSTOMER_STATUS_MEMBER: _("Member")}


def _row(customer: Customer, store: Store, zone: ZoneInfo, statuses: dict[int, str]) -> list[Any]:
    joined = customer.joined_at if customer.HasField("joined_at") else customer.created_at
    day = datetime.fromtimestamp(joined.seconds, zone).date().isoformat()
    texts = [
        *(customer.name, phone(customer.phone), customer.email, customer.birthday, customer.language),
        *(statuses.get(customer.status, ""), customer.level_name, ", ".join(customer.tags)),
    ]
    spend = decimal(customer.net_spend_minor, store.currency)
    return [*map(safe, texts), customer.points_balance, spend, customer.orders_count, day, customer.customer_id]


def decimal(minor: int, currency: str) -> str:
    """An amount as programs read it: 123450 HKD is "1234.50"."""
    places = MINOR_DIGITS.get(currency, 2)
    whole, fraction = divmod(abs(minor), 10**places)
    return f"{'-' if minor < 0 else ''}{whole}" + (f".{fraction:0{places}}" if places else "")


def phone(e164: str) -> str:
    """International, in groups: "+852 9451 2053". Spreadsheets leave that alone, where they make a number of +85294512053."""
    try:
        number = phonenumbers.parse(e164, None)
    except phonenumbers.NumberParseException:
        return e164
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL).replace("-", " ")


def safe(text: str) -> str:
    """Text that no spreadsheet runs: what could be a formula gets an apostrophe in front. A phone of digits alone cannot."""
    return f"'{text}" if _FORMULA.match(text) and not _PHONE.fullmatch(text) else text
