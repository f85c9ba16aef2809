"""Items of the price list as pages offer them."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import get_locale

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1 import items_pb2 as pb

_PAGE = 100


def name_in(item: pb.Item, language: str) -> str:
    """What the item is called in a language; in the other one where it has one name only."""
    first, second = (item.name_zh, item.name_en) if language.startswith("zh") else (item.name_en, item.name_zh)
    return first or second


def name_of(item: pb.Item) -> str:
    """What the item is called in the reader's language."""
    return name_in(item, str(get_locale() or "en"))


def every(wish: pb.ListItemsRequest, most: int) -> Iterator[pb.Item]:
    """Items in the store's order, page by page, up to `most`."""
    left = most
    while left > 0:
        wish.page.CopyFrom(PageRequest(size=min(_PAGE, left), token=wish.page.token))
        found = services().items.list(wish)
        yield from found.items
        left -= len(found.items)
        wish.page.token = found.next_page_token
        if not found.next_page_token:
            return
