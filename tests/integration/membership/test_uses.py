"""Consents: given, withdrawn, merged and forgotten, on a real PostgreSQL (C6, C12, F8)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from services.common.errors import Conflict, NotFound
from services.common.ids import new_id
from services.membership import commands
from services.membership.domain import Asked, RemovalKind, Use
from services.membership.queries import profiles as queries
from tests.integration.membership.others import Script, scripted_others
from tests.integration.membership.people import Shop, some_phone
from tests.support.calls import once

EMAIL, SMS = "email_marketing", "sms_marketing"


async def set_uses(shop: Shop, customer_id: UUID, *uses: tuple[str, bool], actor: str = "staff:test") -> None:
    who = replace(shop.who, actor=actor)
    once_: Any = once(who)
    await commands.set_uses(shop.context, who, once_, customer_id, uses)


async def uses_of(shop: Shop, customer_id: UUID) -> tuple[dict[str, Use], list[Use]]:
    uses, changes = await queries.get_uses(shop.context.database, shop.who, customer_id)
    return {use.kind: use for use in uses}, list(changes)


async def test_consents_come_with_the_registration_and_each_change_is_kept(shop: Shop) -> None:
    """C6: by whom, when, and where."""
    member = new_id()
    asked = Asked(member, "Amy", "", "en", [("phone", some_phone())], [EMAIL], "phone")
    await commands.register_member(shop.context, shop.store_id, asked)
    await set_uses(shop, member, (EMAIL, True), (SMS, True), actor=f"customer:{member}")
    await set_uses(shop, member, (EMAIL, False))
    now, changes = await uses_of(shop, member)
    assert (now[EMAIL].given, now[EMAIL].via, now[SMS].given, now[SMS].via) == (False, "staff", True, "account")
    told = [(use.kind, use.given, use.via) for use in changes]
    assert told == [(EMAIL, False, "staff"), (SMS, True, "account"), (EMAIL, True, "registration")]
    past = await queries.list_history(shop.context.database, shop.who, 20, "", member)
    kinds = [(entry.kind, entry.text) for entry in past.items if entry.kind.startswith("consent")]
    assert kinds == [("consent_withdrawn", EMAIL), ("consent_given", SMS), ("consent_given", EMAIL)]


async def test_nobody_knows_what_a_stranger_has_agreed_to(shop: Shop) -> None:
    """S."""
    member = await shop.member()
    with pytest.raises(NotFound):
        await uses_of(shop.another(), member)
    with pytest.raises(NotFound):
        await set_uses(shop.another(), member, (EMAIL, True))


async def test_a_merge_keeps_the_primarys_word_and_any_later_no(shop: Shop) -> None:
    """F8: the preview says whose word it is, and what it says is what holds; F10: an old id asks and changes the survivor's."""
    primary, merged = await shop.member(), await shop.member()
    await set_uses(shop, primary, (EMAIL, True))
    await set_uses(shop, merged, (EMAIL, False), (SMS, True))
    plan = await shop.preview(primary, merged)
    assert [(f.value, f.from_customer_id) for f in plan.fields if f.field in (EMAIL, SMS)] == [
        ("withdrawn", merged),
        ("given", merged),
    ]
    await shop.absorb(primary, merged)
    now, changes = await uses_of(shop, merged)
    assert (now[EMAIL].given, now[SMS].given) == (False, True)
    assert [use.origin for use in changes] == [merged, merged, None]
    await set_uses(shop, merged, (SMS, False))
    assert not (await uses_of(shop, primary))[0][SMS].given
    assert not await shop.rows("SELECT 1 FROM uses WHERE customer_id = :merged", merged=merged)


async def test_a_consent_that_changed_after_the_preview_makes_it_stale(shop: Shop) -> None:
    """F8."""
    primary, merged = await shop.member(), await shop.member()
    plan = await shop.preview(primary, merged)
    await set_uses(shop, merged, (SMS, True))
    with pytest.raises(Conflict):
        await shop.absorb(primary, merged, plan=plan.fingerprint)


async def test_who_is_erased_has_agreed_to_nothing(shop: Shop) -> None:
    """C12, D."""
    member = await shop.member()
    await set_uses(shop, member, (EMAIL, True))
    wish = commands.Wish(member, RemovalKind.ERASE, (await shop.customer(member)).phone)
    once_: Any = once(shop.who)
    async with scripted_others(Script()) as others:
        await commands.remove_customer(shop.context, others, shop.who, once_, wish)
    assert not await shop.rows("SELECT 1 FROM uses UNION ALL SELECT 1 FROM use_changes")
