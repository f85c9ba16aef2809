"""The console's blueprint and what every page of it gets: who is there, the words, and how things are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from flask import Blueprint
from flask_babel import gettext as _
from google.protobuf.timestamp_pb2 import Timestamp
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response

from gateway import addresses, formats, items, merge_files
from gateway.auth import principal
from gateway.console import ask, labels, webhook_words
from gateway.console.merge_words import last_day_text, lot_text
from gateway.reasons import sentence_of
from onefold.membership.v1.imports_pb2 import ImportProblem
from onefold.membership.v1.service_pb2 import PointsLot

_NEVER = 10**9
# As many lines are read at a glance.
_MOST_DAYS = 12
Page = str | Response | tuple[str, int]
blueprint = Blueprint("console", __name__, url_prefix="/console")


@blueprint.context_processor
def _who() -> dict[str, Any]:
    """Pages for those who are not logged in never ask."""
    return {"who": LocalProxy(principal)}


def _iso(stamp: Timestamp) -> str:
    return formats.moment_of(stamp).isoformat(timespec="seconds")


def _whole(number: int) -> str:
    return f"{number:,}"


def _signed(number: int) -> str:
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{abs(number):,}"


def _language(tag: str) -> str:
    return labels.LANGUAGE.get(tag, tag) if tag else _("The store’s language")


def _by_expiry(
    lots: Iterable[PointsLot], names: Mapping[str, str] | None = None
) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """(last day or days, points, parts), the first to expire first.

    With `names` the parts are those of the accounts. Without, many days become months, and their parts are the days.
    """
    placed = sorted(((_last(lot), lot) for lot in lots), key=lambda pair: pair[0])
    by_month = names is None and len({place for place, _lot in placed}) > _MOST_DAYS
    lines: dict[tuple[int, str], dict[str, int]] = {}
    for place, lot in placed:
        text = _days(lot)
        label = text if names is None else names.get(lot.customer_id) or _("given with this merge")
        if by_month and place != _NEVER:
            first = date.fromordinal(place).replace(day=1)
            place, text = first.toordinal(), _during(first)
        parts = lines.setdefault((place, text), {})
        parts[label] = parts.get(label, 0) + lot.remaining
    return [
        (next(iter(parts)) if by_month and len(parts) == 1 else text, sum(parts.values()), list(parts.items()))
        for (_place, text), parts in lines.items()
    ]


def _last(lot: PointsLot) -> int:
    return formats.last_day(lot.expires_at, ask.zone()).toordinal() if lot.HasField("expires_at") else _NEVER


def _during(first: date) -> str:
    return str(_("during %(month)s", month=formats.month_text(first, ask.locale())))


def _days(lot: PointsLot) -> str:
    if not lot.HasField("expires_at"):
        return str(_("No expiry"))
    last = formats.last_day(lot.expires_at, ask.zone())
    first = formats.last_day(lot.expires_from, ask.zone()) if lot.HasField("expires_from") else last
    if first.day == 1 and first.month == last.month and (last + timedelta(days=1)).day == 1:
        return _during(first)
    first_day, last_day = (formats.day_text(day, ask.locale()) for day in (first, last))
    return last_day if first == last else str(_("%(first)s to %(last)s", first=first_day, last=last_day))


def _moment(stamp: Timestamp) -> str:
    return formats.moment_text(stamp, ask.zone(), ask.locale())


def _mend(problem: ImportProblem) -> str:
    """What to do about a cell or a row."""
    return sentence_of(problem.reason, problem.params)


def _badge(table: dict[int, labels.Badge]) -> Callable[[int], tuple[Any, str]]:
    return lambda code: labels.badge_of(table, code)


def _words(table: dict[Any, Any]) -> Callable[[Any], str]:
    return lambda code: labels.words_of(table, code)


FILTERS: dict[str, Callable[..., Any]] = {
    "actor": ask.actor,
    "address": addresses.text,
    "bulk_state": _badge(labels.BULK_STATE),
    "by_expiry": _by_expiry,
    "channel": _words(labels.CHANNEL),
    "customer_status": _badge(labels.CUSTOMER_STATUS),
    "day": ask.day,
    "encoding": _words(labels.ENCODING),
    "field_name": _words(labels.FIELD),
    "import_state": _badge(labels.IMPORT_STATE),
    "invitation_state": labels.INVITATION_STATE.__getitem__,
    "iso": _iso,
    "item_name": items.name_of,
    "lot_text": lot_text,
    "level_cause": _words(labels.LEVEL_CAUSE),
    "iso_day": ask.iso_day,
    "language_name": _language,
    "last_day": last_day_text,
    "mend": _mend,
    "merge_column": merge_files.column_of,
    "merge_batch_state": _badge(labels.MERGE_BATCH_STATE),
    "merge_group_state": _badge(labels.MERGE_GROUP_STATE),
    "merge_state": _badge(labels.MERGE_STATE),
    "merge_warning": _words(labels.MERGE_WARNING),
    "message_kind": _words(labels.MESSAGE_KIND),
    "message_state": _badge(labels.MESSAGE_STATE),
    "moment": _moment,
    "money": formats.money,
    "notice_reason": _words(labels.NOTICE_REASON),
    "order_change": _words(labels.ORDER_CHANGE),
    "order_status": _badge(labels.ORDER_STATUS),
    "part_name": _words(labels.TIMELINE_PART),
    "payment_method": _words(labels.PAYMENT_METHOD),
    "person": ask.person,
    "phone": ask.phone,
    "provider_kind": _words(labels.PROVIDER_KIND),
    "refund_failure": _words(labels.REFUND_FAILURE),
    "refund_state": _badge(labels.REFUND_STATE),
    "points_reason": _words(labels.POINTS_REASON),
    "signed": _signed,
    "staff_role": _words(labels.STAFF_ROLE),
    "sort_name": _words(labels.CUSTOMER_SORT),
    "times": formats.times_text,
    "delivery_failure": _words(webhook_words.FAILURE),
    "delivery_state": _badge(webhook_words.DELIVERY_STATE),
    "event_type": webhook_words.event_type,
    "webhook_disabled": _words(webhook_words.DISABLED_BECAUSE),
    "whole": _whole,
}
for _name, _filter in FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
