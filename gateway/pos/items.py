"""What is sold at the counter, for the till's tiles."""

from __future__ import annotations

from flask import Response

from gateway.api.checked import answer, checked
from gateway.items import every, name_of
from gateway.pos.frame import blueprint
from onefold.orders.v1.items_pb2 import ListItemsRequest
from services.common.permissions import ITEMS_READ

# The till keeps them for the time without a line. A store with more types their names.
MOST_ITEMS = 500


@blueprint.get("/data/items")
@checked(ITEMS_READ)
def list_items() -> Response:
    """In the store's order, named in the reader's language."""
    found = every(ListItemsRequest(sold_at_counter=True), MOST_ITEMS)
    return answer(
        {
            "items": [
                {
                    "title": name_of(item),
                    "sku": item.sku,
                    "price_minor": item.unit_price_minor,
                    "words": f"{item.name_en} {item.name_zh} {item.sku}",
                }
                for item in found
            ]
        }
    )
