"""Items of the price list as programs send and read them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from gateway.api.fields import Amount, AnswerModel, Id, Json, PageQuery, RequestModel, Time, WholeNumber, when
from onefold.orders.v1 import items_pb2 as pb

_Position = Annotated[int, Field(ge=-(2**31), le=2**31 - 1, json_schema_extra={"minimum": 0, "maximum": 1_000_000})]


class ItemIn(RequestModel):
    """An item, whole. One of the two names may be empty."""

    name_en: str = Field(default="", json_schema_extra={"maxLength": 200}, examples=["Oolong tea"])
    name_zh: str = Field(default="", json_schema_extra={"maxLength": 200}, examples=["烏龍茶"])
    sku: str = Field(
        default="",
        description="Your own code; unique in the store, whatever its capitals.",
        json_schema_extra={"maxLength": 64},
    )
    unit_price_minor: Amount
    sold_online: bool = True
    sold_at_counter: bool = True
    archived: bool = Field(default=False, description="An archived item is sold nowhere. Orders keep naming it.")
    position: _Position | None = Field(
        default=None,
        description="Place in lists, the smallest first. Default: after all others; in a change: as it is.",
    )

    def message(self) -> pb.ItemDraft:
        """For the service."""
        return pb.ItemDraft(**self.model_dump(exclude={"expected_version"}))


class ItemChange(ItemIn):
    """The item as it shall be, whole."""

    expected_version: WholeNumber = Field(default=0, description="The version you saw; 0 skips the check.")


class ItemPath(BaseModel):
    """Which item."""

    item_id: Id


class ItemsQuery(PageQuery):
    """Filters are joined by "and"."""

    query: str = Field(default="", description="Words, each of which must be a part of a name or the SKU.")
    sold_online: bool = Field(default=False, description="Only what is sold online.")
    sold_at_counter: bool = Field(default=False, description="Only what is sold at the counter.")
    archived: bool = Field(default=False, description="Archived items instead of the others.")


class Item(AnswerModel):
    """One thing that the store sells. Amounts are in the store's currency."""

    item_id: Id
    name_en: str
    name_zh: str
    sku: str
    unit_price_minor: int
    sold_online: bool
    sold_at_counter: bool
    archived: bool
    position: int
    version: int
    changed_at: Time
    changed_by: str = Field(examples=["staff:0199…"])


class ItemList(AnswerModel):
    """By position, then by age."""

    items: list[Item]
    next_page_token: str | None


def item_json(item: pb.Item) -> Json:
    """As in Item."""
    return {
        "item_id": item.item_id,
        "name_en": item.name_en,
        "name_zh": item.name_zh,
        "sku": item.sku,
        "unit_price_minor": item.unit_price_minor,
        "sold_online": item.sold_online,
        "sold_at_counter": item.sold_at_counter,
        "archived": item.archived,
        "position": item.position,
        "version": item.version,
        "changed_at": when(item.changed_at),
        "changed_by": item.changed_by,
    }
