"""Every row of the table of rules, on a real PostgreSQL: what the preview says is what is found afterwards, and what is recorded for
good (F4, F8, F10, F11, F13, C12).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.errors import NotFound
from services.common.ids import new_id
from services.membership import commands, queries, store
from services.membership.domain import MERGE_RULES, Account, Merge, MergeRecord, Outcome, RemovalKind
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import HOME, Shop, order, told
from tests.integration.membership.ranks import GOLD, SILVER, Ranks
from tests.integration.membership.test_merging import OFFICE
from tests.integration.membership.test_profiles import confirm, edit
from tests.integration.membership.test_removal import Desk
from tests.integration.membership.test_uses import EMAIL, SMS, set_uses
from tests.support.calls import once
from tests.unit.membership.test_merge_rules import together

AWARD = {"points": 7, "expires_on": "2099-01-31", "description": "for 陳大文"}


async def three_accounts(shop: Shop) -> tuple[UUID, UUID, UUID]:
    """Of one person, with something in every row of the table; the last has two accounts of before in it."""
    await Ranks(shop).save(SILVER, GOLD)
    primary = await shop.member(email="primary@mail.example", name="", shipping_address=HOME)
    older = await shop.member(email="older@mail.example", name="陳大文", shipping_address=OFFICE, language="en")
    newer = await shop.member(email="newer@mail.example", name="Chan Tai Man")
    for customer_id, birthday, tags in (
        (primary, "", ["VIP"]),
        (older, "1990-01-01", ["vip", "tea"]),
        (newer, "1990-01-02", []),
    ):
        await edit(shop, customer_id, birthday=birthday, tags=tags)
        await shop.award(customer_id, 10, "2098-12-31")
        await shop.hear(*told(order(customer_id, 200_000)), *told(order(customer_id, 500, paid=False)))
        await commands.add_note(shop.context, shop.who, once(shop.who), customer_id, "likes oolong")  # type: ignore[arg-type]
        for year in (2025, 2026):
            await shop.rows(
                "INSERT INTO birthday_gifts VALUES (:store, :id, :year, :id) ON CONFLICT DO NOTHING RETURNING 1",
                store=shop.store_id,
                id=customer_id,
                year=year,
            )
    await confirm(shop, newer)
    await set_uses(shop, older, (EMAIL, True), (SMS, True))
    await set_uses(shop, newer, (SMS, False))
    await shop.absorb(newer, await shop.member())
    return primary, older, newer


async def read_back(shop: Shop, customer_id: UUID) -> Account:
    async with shop.context.database.transaction(shop.store_id) as tx:
        settings = await store.load_settings(tx, shop.store_id)
        found = await store.load_accounts(tx, shop.store_id, Merge(customer_id, ()), settings, clock.now(), lock=False)
    return found[0]


async def recorded(shop: Shop, run: UUID) -> MergeRecord:
    return await queries.merge_record(shop.context.database, shop.who, run)


def values(outcome: Outcome | MergeRecord, kind: str) -> list[str]:
    return sorted(field.value for field in outcome.fields if field.field == kind)


async def test_every_row_of_the_table_is_what_is_found_afterwards(shop: Shop) -> None:
    """F8: kind by kind; only what other services carry out is theirs to show. The record is what was foreseen (F13)."""
    primary, older, newer = await three_accounts(shop)
    [elder] = (account.customer_id for account in (await shop.customer(newer)).merged_accounts)
    preview, run = await shop.preview(primary, older, newer, **AWARD), new_id()
    balance = await shop.absorb(primary, older, newer, run=run, plan=preview.fingerprint, **AWARD)
    after = await read_back(shop, primary)
    for rule in MERGE_RULES:
        assert sorted(together(rule, values(preview, rule.kind))) == sorted(rule.held(after)), rule.kind
        told_of = bool(values(preview, rule.kind))
        assert told_of == (rule.service == "membership" and rule.kind not in ("history", "old_id", "login")), rule.kind
    assert balance == preview.points_after
    assert {r.value for r in preview.retired} >= {"older@mail.example", "newer@mail.example"}
    assert preview.warnings == ["different_names", "different_birthdays", "doubled_gift", "doubled_welcome"]
    past = await queries.profiles.list_history(shop.context.database, shop.who, 100, "", primary)
    assert {older, newer} <= {entry.customer_id for entry in past.items}
    assert (await shop.customer(elder)).customer_id == primary

    record = await recorded(shop, run)
    assert (list(record.facts), list(record.fields)) == (list(preview.facts), list(preview.fields))
    assert (record.merge, record.earlier_ids) == (Merge(primary, sorted([older, newer]), **AWARD), [elder])  # type: ignore[arg-type]
    assert (record.actor, record.forgotten) == (shop.who.actor, False)
    event = events_pb2.MembersAbsorbed.FromString((await shop.events("members_absorbed"))[-1].payload)
    assert list(event.earlier_ids) == [str(elder)]
    await shop.audit()


async def test_a_record_outlasts_later_changes_and_forgets_an_erased_person(shop: Shop) -> None:
    """F13, C12: edits and a later merge change nothing in it; an erasure takes what is personal, of every merge on the way."""
    primary, older, newer = await three_accounts(shop)
    first, second, award = new_id(), new_id(), dict(AWARD)
    await shop.absorb(older, newer, run=first, **award)
    before = await recorded(shop, first)
    await edit(shop, older, name="Somebody Else", birthday="", tags=[])
    await shop.absorb(primary, older, run=second)
    assert await recorded(shop, first) == before
    with pytest.raises(NotFound, match="merge_not_found"):
        await recorded(shop.another(), first)
    script = Script()
    async with scripted_others(script) as others:
        await Desk(shop, others, script).remove(primary, RemovalKind.ERASE)
    for run in (first, second):
        record = await recorded(shop, run)
        assert record.forgotten
        assert {field.field for field in record.fields}.isdisjoint(r.kind for r in MERGE_RULES if r.personal)
        assert values(record, "points") == values(record, "points") != []
    assert (await recorded(shop, first)).merge.description == ""
    kept: Any = await shop.rows("SELECT figures::text || COALESCE(personal::text, '') AS text FROM absorptions")
    assert not [row for row in kept if "陳" in row.text or "mail.example" in row.text]
