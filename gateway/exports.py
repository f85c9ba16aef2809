"""Lists as CSV, streamed (C11): a page at a time, so that a million rows take no more memory than a hundred."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import phonenumbers
from flask import Response
from flask_babel import gettext as _
from google.protobuf.message import Message

from gateway.auth import principal
from gateway.calls import Method
from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from services.common.errors import Unavailable
from services.common.money import MINOR_DIGITS
from services.common.paging import LARGEST_SIZE
from services.common.tokens import ServiceClaims

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)
Row = TypeVar("Row")
_BOM = "\ufeff"
# A spreadsheet takes a cell that begins so for a formula. Full-width signs too: some of them fold those first.
_FORMULA = re.compile("[=+\\-@\t\r\n＝＋－＠]")
_PHONE = re.compile(r"\+\d[\d ]{6,20}")
# A page that could not be had is asked for again; then the file breaks off, and is seen to: no last chunk, no whole file.
_TRIES = 3


def customers_csv(asked: pb.CustomerFilter, sort: pb.CustomerSort.ValueType) -> Response:
    """A list of customers as a file. Raises the errors of the list."""
    store, zone, statuses = principal().store, zone_of_store(), _statuses()
    request = pb.ListCustomersRequest(filter=asked, sort=sort, page=PageRequest(size=LARGEST_SIZE))
    pages = pages_of(services().directory.list, request, lambda answer: answer.customers)
    return csv_response("members", _header(store), pages, lambda customer: _row(customer, store, zone, statuses))


def csv_response(
    name: str, header: list[str], pages: Iterator[Sequence[Row]], row: Callable[[Row], list[Any]]
) -> Response:
    """Pages as a file, called after its name and the store's day. The first page is read at once, so that what is wrong with the
    filter is told as usual.
    """
    first = next(pages)
    file_name = f"{name}-{datetime.now(zone_of_store()):%Y-%m-%d}.csv"

    def lines() -> Iterator[str]:
        yield _BOM + _written([header])
        for page in chain([first], pages):
            yield _written(row(each) for each in page)

    return Response(
        lines(), mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{file_name}"'}
    )


def pages_of(
    method: Method[Request, Answer],
    request: Request,
    rows: Callable[[Answer], Sequence[Row]],
    claims: ServiceClaims | None = None,
) -> Iterator[Sequence[Row]]:
    """All pages of a list, in the name of `claims` or of whoever is logged in to the console. After the first the request's own time
    is over; each call has its deadline still.
    """
    return _pages(partial(method, claims=claims or principal().claims), request, rows)


def _pages(
    call: Callable[[Request], Answer], request: Any, rows: Callable[[Answer], Sequence[Row]]
) -> Iterator[Sequence[Row]]:
    while True:
        answer: Any = patiently(call, request)
        yield rows(answer)
        if not answer.next_page_token:
            return
        request.page.token = answer.next_page_token


def patiently(call: Callable[[Request], Answer], request: Request) -> Answer:
    """The answer for a part of a file, asked for more than once. Raises Unavailable."""
    for tries in range(_TRIES):
        try:
            return call(request)
        except Unavailable:
            if tries == _TRIES - 1:
                raise
    raise Unavailable("service_unavailable")


def zone_of_store() -> ZoneInfo:
    """The time zone of the store."""
    return ZoneInfo(principal().store.timezone or "UTC")


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
