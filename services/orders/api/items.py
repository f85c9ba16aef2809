"""The price list: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import items_pb2 as pb
from onefold.orders.v1 import items_pb2_grpc
from services.common import rpc
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.orders import commands, queries
from services.orders.domain import Item, ItemDraft
from services.orders.store import ItemsWanted

Context = aio.ServicerContext[object, object]


class ItemsApi(items_pb2_grpc.ItemServiceServicer):
    """ItemService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def CreateItem(self, request: pb.CreateItemRequest, _: Context) -> pb.CreateItemResponse:
        once: Once[Item] = rpc.once(request, lambda item: pb.CreateItemResponse(item=item_message(item)))
        item = await commands.create_item(self._context, rpc.caller(), once, _draft(request.item))
        return pb.CreateItemResponse(item=item_message(item))

    async def ChangeItem(self, request: pb.ChangeItemRequest, _: Context) -> pb.ChangeItemResponse:
        once: Once[Item] = rpc.once(request, lambda item: pb.ChangeItemResponse(item=item_message(item)))
        item = await commands.change_item(
            self._context,
            rpc.caller(),
            once,
            parse_id(request.item_id, "item_id"),
            _draft(request.item),
            request.expected_version,
        )
        return pb.ChangeItemResponse(item=item_message(item))

    async def GetItem(self, request: pb.GetItemRequest, _: Context) -> pb.GetItemResponse:
        item = await queries.get_item(self._context.database, rpc.caller(), parse_id(request.item_id, "item_id"))
        return pb.GetItemResponse(item=item_message(item))

    async def ListItems(self, request: pb.ListItemsRequest, _: Context) -> pb.ListItemsResponse:
        claims = rpc.caller()
        wanted = ItemsWanted((), request.sold_online, request.sold_at_counter, request.archived)
        if claims.is_outsider:  # what is in the window
            wanted = ItemsWanted((), True, False, False)
        page = await queries.list_items(
            self._context.database, claims, request.page.size, request.page.token, request.query, wanted
        )
        return pb.ListItemsResponse(items=[item_message(item) for item in page.items], next_page_token=page.next_token)


def item_message(item: Item) -> pb.Item:
    """An item for the wire."""
    return pb.Item(
        item_id=str(item.item_id),
        name_en=item.name_en,
        name_zh=item.name_zh,
        sku=item.sku,
        unit_price_minor=item.unit_price,
        sold_online=item.sold_online,
        sold_at_counter=item.sold_at_counter,
        archived=item.archived,
        position=item.position,
        version=item.version,
        changed_at=timestamp(item.changed_at),
        changed_by=item.changed_by,
    )


def _draft(item: pb.ItemDraft) -> ItemDraft:
    return ItemDraft(
        name_en=item.name_en,
        name_zh=item.name_zh,
        sku=item.sku,
        unit_price=item.unit_price_minor,
        sold_online=item.sold_online,
        sold_at_counter=item.sold_at_counter,
        archived=item.archived,
        position=item.position if item.HasField("position") else None,
    )
