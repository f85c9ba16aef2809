"""The members list and a member's page (B2, B4, C2)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.shop import Shop

pytestmark = pytest.mark.browser


def test_points_are_awarded_and_deducted_with_expiry_and_note(shop: Shop, page: Page) -> None:
    """B2, B4: lots, ledger and balance agree; more than there is cannot be taken."""
    member = shop.member(shop.somebody("Points Person"))
    before = int(shop.get(f"/customers/{member}/points")["balance"])
    page.goto(f"/console/members/{member}")
    page.get_by_role("link", name="Award or deduct points").click()
    dialog = page.get_by_role("dialog", name="Award or deduct points")
    dialog.get_by_label("Points", exact=True).fill("250")
    dialog.get_by_label("Last day of validity").fill("2099-12-31")
    dialog.get_by_label("Note").fill("Birthday 生日快樂")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Points saved")).to_contain_text(f"{before + 250:,}")
    points = page.get_by_role("region", name="Points", exact=True)
    expect(points).to_contain_text("31 Dec 2099")
    expect(points.get_by_role("row", name="Birthday 生日快樂")).to_contain_text("+250")

    page.goto(f"/console/members/{member}/points")
    page.get_by_role("radio", name="Deduct").check()
    expect(page.get_by_label("Last day of validity")).to_be_hidden()
    page.get_by_label("Points", exact=True).fill("999999")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("not enough points")
    expect(page.get_by_label("Points", exact=True)).to_have_value("999999")


def test_an_award_without_expiry_is_refused_by_its_field(shop: Shop, page: Page) -> None:
    member = shop.member(shop.somebody())
    page.goto(f"/console/members/{member}/points")
    page.get_by_label("Points", exact=True).fill("10")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Last day of validity")).to_have_attribute("aria-invalid", "true")


def test_members_are_found_by_a_part_of_name_phone_or_email(shop: Shop, page: Page) -> None:
    """C2: Chinese names of two characters included."""
    who = shop.somebody("陳大文 Tai")
    shop.member(who)
    shop.member(shop.somebody("Somebody Else"))
    for typed in ("大文", "Tai", who.phone_text, who.email.split("@")[0]):
        page.goto("/console/members")
        page.keyboard.press("/")
        page.keyboard.type(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_role("table", name="Members").get_by_role("row")).to_have_count(2)
        expect(page.get_by_role("table", name="Members")).to_contain_text("陳大文 Tai")


def test_picked_accounts_stay_picked_over_a_search(shop: Shop, page: Page) -> None:
    """F1: search again and again; what was picked before stands above the list."""
    for name in ("Ann First", "Bea Second"):
        shop.member(shop.somebody(name))
    page.goto("/console/members?q=Ann")
    page.get_by_role("checkbox", name="Pick Ann First").check()
    page.get_by_role("searchbox").fill("Bea")
    page.get_by_role("button", name="Search", exact=True).click()
    page.get_by_role("checkbox", name="Pick Bea Second").check()
    expect(page.get_by_role("checkbox", name="Ann First")).to_be_checked()
    page.get_by_role("button", name="Merge accounts").click()
    table = page.get_by_role("table", name="Picked accounts")
    expect(table).to_contain_text("Ann First")
    expect(table).to_contain_text("Bea Second")
