"""Tables of the orders service, and all its SQL."""

from services.orders.store.reading import list_page, search_page, summarise
from services.orders.store.relinking import hold_owners, link_batch, point_to_survivor, relink_batch, survivor_of
from services.orders.store.tables import metadata
from services.orders.store.writing import insert_whole, load, save, take_numbers

__all__ = [
    "hold_owners",
    "insert_whole",
    "link_batch",
    "list_page",
    "load",
    "metadata",
    "point_to_survivor",
    "relink_batch",
    "save",
    "search_page",
    "summarise",
    "survivor_of",
    "take_numbers",
]
