"""What lists of what has happened share: the audit log, the log of messages. Filtered by days, newest first, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from gateway.console import ask
from gateway.console.wishes import Wishes
from gateway.days import begin_of, end_of
from onefold.common.v1.common_pb2 import PageRequest
from services.common.errors import InvalidInput, Violations

Answer = TypeVar("Answer")
_LOST_PLACE = "page.token"


def put_days(listing: Wishes, asked: Any) -> None:
    """Puts `day_from` and `day_to` into the request's `since` and `before`. Raises InvalidInput naming each that cannot be read."""
    faults = Violations()
    for name, into, read in (("day_from", "since", begin_of), ("day_to", "before", end_of)):
        with ask.noting(faults):
            if moment := read(listing.one(name), ask.zone(), name):
                getattr(asked, into).CopyFrom(moment)
    faults.check()


def page_of(list_page: Callable[[Any], Answer], asked: Any, token: str) -> tuple[Answer, str]:
    """The page, and the token that led to it. Whoever changes the filter and then turns the page begins the new list."""
    asked.page.CopyFrom(PageRequest(token=token))
    try:
        return list_page(asked), token
    except InvalidInput as error:
        if not token or [violation.field for violation in error.violations] != [_LOST_PLACE]:
            raise
        asked.page.token = ""
        return list_page(asked), ""


def day_of(text: str) -> str:
    """A day of a filter in words; as it was typed where it is none."""
    try:
        return ask.iso_day(text)
    except ValueError:
        return text
