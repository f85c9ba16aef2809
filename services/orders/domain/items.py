"""What the store sells: the price list. Prices are minor units of the store's currency."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.contact import clean_text
from services.common.errors import Conflict, Violations
from services.common.money import check_amount
from services.common.searching import fold

MOST_ITEMS = 5_000
LONGEST_ITEM_NAME = 200
LONGEST_SKU = 64
LARGEST_POSITION = 1_000_000
# Room to put others in between.
POSITION_STEP = 10
MOST_WORDS = 10


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """What an item is to be. `position` None: after all others, or where it is."""

    name_en: str
    name_zh: str
    sku: str
    unit_price: int
    sold_online: bool
    sold_at_counter: bool
    archived: bool = False
    position: int | None = None


@dataclass(slots=True)
class Item:
    """One thing that the store sells. Never deleted, for orders name it; archived instead."""

    item_id: UUID
    name_en: str
    name_zh: str
    sku: str
    unit_price: int
    sold_online: bool
    sold_at_counter: bool
    archived: bool
    position: int
    version: int
    changed_at: datetime
    changed_by: str

    @classmethod
    def create(cls, item_id: UUID, draft: ItemDraft, position: int, *, actor: str, now: datetime) -> Item:
        """An item from a draft that has passed read_item; `position` is for a draft that names none."""
        return cls(
            item_id=item_id,
            name_en=draft.name_en,
            name_zh=draft.name_zh,
            sku=draft.sku,
            unit_price=draft.unit_price,
            sold_online=draft.sold_online,
            sold_at_counter=draft.sold_at_counter,
            archived=draft.archived,
            position=position if draft.position is None else draft.position,
            version=1,
            changed_at=now,
            changed_by=actor,
        )

    def change(self, draft: ItemDraft, expected_version: int, *, actor: str, now: datetime) -> None:
        """Becomes what the draft says. Raises Conflict (stale_version) when somebody was faster."""
        if expected_version and expected_version != self.version:
            raise Conflict("stale_version", version=str(self.version))
        self.name_en, self.name_zh, self.sku = draft.name_en, draft.name_zh, draft.sku
        self.unit_price = draft.unit_price
        self.sold_online, self.sold_at_counter = draft.sold_online, draft.sold_at_counter
        self.archived = draft.archived
        self.position = self.position if draft.position is None else draft.position
        self.version += 1
        self.changed_at, self.changed_by = now, actor

    @property
    def on_sale_online(self) -> bool:
        """Whether visitors of the online store can buy it."""
        return self.sold_online and not self.archived

    def name_in(self, language: str) -> str:
        """What the item is called to a reader of the language, in the other one where it has one name only."""
        chinese = language.startswith("zh")
        return (self.name_zh or self.name_en) if chinese else (self.name_en or self.name_zh)


def read_item(draft: ItemDraft) -> ItemDraft:
    """The draft with trimmed texts. Raises InvalidInput with every fault."""
    found = Violations()
    texts = {
        name: found.gather(lambda name=name, most=most: clean_text(getattr(draft, name), name, most), "-")  # type: ignore[misc]
        for name, most in (("name_en", LONGEST_ITEM_NAME), ("name_zh", LONGEST_ITEM_NAME), ("sku", LONGEST_SKU))
    }
    if not texts["name_en"] and not texts["name_zh"]:
        found.add("name_en", "required")
    found.gather(lambda: check_amount(draft.unit_price, "unit_price_minor"), 0)
    if draft.position is not None and not 0 <= draft.position <= LARGEST_POSITION:
        found.add("position", "out_of_range", smallest="0", largest=str(LARGEST_POSITION))
    found.check()
    return ItemDraft(
        texts["name_en"],
        texts["name_zh"],
        texts["sku"],
        draft.unit_price,
        draft.sold_online,
        draft.sold_at_counter,
        draft.archived,
        draft.position,
    )


def search_patterns(query: str) -> list[str]:
    """LIKE patterns of the words of a search, folded, each "contains"; the first few words are enough to find anything."""
    words = fold(query).split()[:MOST_WORDS]
    escaped = (word[:100].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words)
    return [f"%{word}%" for word in escaped]
