"""What a merge did, as it is kept for good (F13). What is personal is kept apart, so that an erasure can take it away (C12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.membership.domain.merge.accounts import Fact, FieldOutcome, Merge, Outcome
from services.membership.domain.merge.rules import MERGE_RULES

_PLACE = {rule.kind: place for place, rule in enumerate(MERGE_RULES)}
_PERSONAL = {rule.kind for rule in MERGE_RULES if rule.personal}


@dataclass(frozen=True, slots=True)
class MergeRecord:
    """One merge. `earlier_ids` had been merged into the merged accounts before."""

    merge_run_id: UUID
    merge: Merge
    earlier_ids: Sequence[UUID]
    merged_at: datetime
    actor: str
    facts: Sequence[Fact]
    fields: Sequence[FieldOutcome]
    forgotten: bool


def write_down(merge: Merge, outcome: Outcome) -> tuple[dict[str, Any], dict[str, Any]]:
    """(figures, personal): JSON documents that together say what the merge did."""
    figures: dict[str, Any] = {"points": merge.points, "expires_on": merge.expires_on}
    personal: dict[str, Any] = {"description": merge.description}
    for document, mine in ((figures, False), (personal, True)):
        document["facts"] = [
            [fact.kind, fact.value, str(fact.customer_id)] for fact in outcome.facts if (fact.kind in _PERSONAL) is mine
        ]
        document["fields"] = [
            [field.field, field.value, str(field.from_customer_id or "")]
            for field in outcome.fields
            if (field.field in _PERSONAL) is mine
        ]
    return figures, personal


def read_facts(figures: Mapping[str, Any], personal: Mapping[str, Any] | None) -> list[Fact]:
    """In the order of the rules."""
    found = [Fact(kind, value, UUID(owner)) for kind, value, owner in _rows("facts", figures, personal)]
    return sorted(found, key=lambda fact: _place(fact.kind))


def read_fields(figures: Mapping[str, Any], personal: Mapping[str, Any] | None) -> list[FieldOutcome]:
    """In the order of the rules."""
    rows = _rows("fields", figures, personal)
    found = [FieldOutcome(kind, value, UUID(giver) if giver else None) for kind, value, giver in rows]
    return sorted(found, key=lambda field: _place(field.field))


def _rows(name: str, *documents: Mapping[str, Any] | None) -> list[list[str]]:
    return [row for document in documents if document for row in document.get(name, ())]


def _place(kind: str) -> int:
    """A kind of a former version of the table comes last."""
    return _PLACE.get(kind, len(_PLACE))
