"""Tables of the orders service, and all its SQL."""

from services.orders.store.carts import (
    add_cart,
    checked_out_since,
    drop_stale_carts,
    load_cart,
    open_carts_of,
    save_cart,
)
from services.orders.store.erasing import (
    Erasure,
    erase_batch,
    finish_erasure,
    hold_erasure,
    next_erasure,
    queue_erasures,
)
from services.orders.store.finding import find_ids, find_page
from services.orders.store.items import (
    ItemsWanted,
    add_item,
    hold_items,
    items_page,
    load_item,
    load_items,
    save_item,
    sku_is_taken,
)
from services.orders.store.reading import changes_page, summarise
from services.orders.store.relinking import (
    hold_owner_of,
    hold_owners,
    link_batch,
    point_to_survivor,
    relink_batch,
    survivor_of,
)
from services.orders.store.tables import metadata
from services.orders.store.writing import insert_whole, load, save, take_numbers

__all__ = [
    "Erasure",
    "ItemsWanted",
    "add_cart",
    "add_item",
    "changes_page",
    "checked_out_since",
    "drop_stale_carts",
    "erase_batch",
    "find_ids",
    "find_page",
    "finish_erasure",
    "hold_erasure",
    "hold_items",
    "hold_owner_of",
    "hold_owners",
    "insert_whole",
    "items_page",
    "link_batch",
    "load",
    "load_cart",
    "load_item",
    "load_items",
    "metadata",
    "next_erasure",
    "open_carts_of",
    "point_to_survivor",
    "queue_erasures",
    "relink_batch",
    "save",
    "save_cart",
    "save_item",
    "sku_is_taken",
    "summarise",
    "survivor_of",
    "take_numbers",
]
