"""/items: the price list"""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import IdempotencyHeader
from gateway.api.item_models import Item, ItemChange, ItemIn, ItemList, ItemPath, ItemsQuery, item_json
from gateway.clients import services
from onefold.orders.v1 import items_pb2 as pb
from services.common import permissions

_TAGS = [Tag(name="Items", description="What the store sells, online and at the counter.")]


@blueprint.get("/items", tags=_TAGS, responses={200: ItemList})
@checked(permissions.ITEMS_READ)
def list_items(query: ItemsQuery) -> Response:
    """List items in the store's order"""
    found = services().items.list(
        pb.ListItemsRequest(
            page=query.page(),
            query=query.query,
            sold_online=query.sold_online,
            sold_at_counter=query.sold_at_counter,
            archived=query.archived,
        )
    )
    return answer(
        {"items": [item_json(item) for item in found.items], "next_page_token": found.next_page_token or None}
    )


@blueprint.post("/items", tags=_TAGS, responses={201: Item})
@checked(permissions.ITEMS_WRITE)
def create_item(header: IdempotencyHeader, body: ItemIn) -> Response:
    """Add an item"""
    item = services().items.create(pb.CreateItemRequest(item=body.message()), key=header.idempotency_key).item
    return created(item_json(item), f"{PREFIX}/items/{item.item_id}")


@blueprint.get("/items/<item_id>", tags=_TAGS, responses={200: Item})
@checked(permissions.ITEMS_READ)
def get_item(path: ItemPath) -> Response:
    """Read an item"""
    return answer(item_json(services().items.get(pb.GetItemRequest(item_id=path.item_id)).item))


@blueprint.put("/items/<item_id>", tags=_TAGS, responses={200: Item})
@checked(permissions.ITEMS_WRITE)
def change_item(header: IdempotencyHeader, path: ItemPath, body: ItemChange) -> Response:
    """Change an item, or archive it

    Orders that stand keep the name and price that they were made with.
    """
    request = pb.ChangeItemRequest(item_id=path.item_id, item=body.message(), expected_version=body.expected_version)
    return answer(item_json(services().items.change(request, key=header.idempotency_key).item))
