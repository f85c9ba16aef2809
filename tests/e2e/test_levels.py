"""Levels and points as staff set them (B1-B3, B6)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop
from tests.e2e.test_pages import inspect, untranslated

pytestmark = pytest.mark.browser


def test_rules_are_edited_checked_and_saved_and_a_level_is_changed_by_hand(shop: Shop, page: Page) -> None:
    """B1, B3, B6: a wrong threshold is told at its field; the check names who moves; then the member page shows it."""
    member = shop.member(shop.somebody("Level Person"), amount=150_000)
    page.goto("/console/levels")
    page.get_by_role("link", name="Add levels").click()
    first = page.get_by_role("group", name="Level 1")
    first.get_by_label("Level name").fill("Silver")
    first.get_by_label("Net spend from").fill("1,000")
    first.get_by_label("Points multiplier").fill("1.5")
    page.get_by_role("button", name="Add level").click()
    second = page.get_by_role("group", name="Level 2")
    second.get_by_label("Level name").fill("Gold")
    second.get_by_label("Net spend from").fill("500")
    second.get_by_label("Discount, percent").fill("5")
    page.get_by_role("button", name="Check who moves").last.click()
    expect(second.get_by_label("Net spend from")).to_have_attribute("aria-invalid", "true")
    expect(first.get_by_label("Level name")).to_have_value("Silver")
    second.get_by_label("Net spend from").fill("5,000")
    page.get_by_role("button", name="Check who moves").last.click()
    up = page.get_by_role("region", name="Move up")
    expect(up).to_contain_text("1 member")
    expect(up.get_by_role("row", name="Level Person")).to_contain_text("Silver")
    inspect(page, DESKTOP[0])
    page.get_by_role("button", name="Save levels").click()
    expect(page.get_by_role("status").filter(has_text="Levels saved")).to_contain_text("1 member moved")
    expect(page.get_by_role("row", name="Silver")).to_contain_text("1.5× points")
    page.goto(f"/console/members/{member}")
    panel = page.get_by_role("region", name="Level", exact=True)
    expect(panel).to_contain_text("New rules")
    panel.get_by_role("link", name="Change level").click()
    dialog = page.get_by_role("dialog", name="Change level")
    dialog.get_by_label("Level", exact=True).select_option("Gold")
    dialog.get_by_label("Pin until").fill("2099-12-31")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Reason")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Level", exact=True)).to_have_value(
        page.get_by_role("option", name="Gold").get_attribute("value") or ""
    )
    page.get_by_label("Reason").fill("Long a friend of the house")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Level", exact=True)).to_contain_text("Long a friend of the house")
    expect(page.get_by_role("region", name="Level", exact=True)).to_contain_text("Pinned")


def test_levels_and_points_are_set_on_a_phone_in_chinese_without_script(shop: Shop, open_page: OpenPage) -> None:
    """B1, B2, B6, G3, H1."""
    member = shop.member(shop.somebody("陳大文"))
    today = datetime.now(ZoneInfo("Asia/Hong_Kong")).date().isoformat()  # the store's, not ours
    shop.post(f"/customers/{member}/points", {"points": 30, "expires_on": today})
    page = open_page(language="zh-Hant", size=PHONE, script=False)
    page.goto("/console/levels/edit")
    page.get_by_label("等級名稱").fill("銀卡")
    page.get_by_label("淨消費下限").fill("0")
    page.get_by_role("button", name="查看誰會升降").last.click()
    expect(page.get_by_role("region", name="升級")).to_contain_text("陳大文")
    assert untranslated(page) == set()
    page.get_by_role("button", name="返回編輯").click()
    expect(page.get_by_label("等級名稱")).to_have_value("銀卡")
    page.get_by_role("button", name="查看誰會升降").last.click()
    page.get_by_role("button", name="儲存等級").click()
    expect(page.get_by_role("table", name="等級")).to_contain_text("銀卡")
    page.goto("/console/points")
    expect(page.get_by_role("table", name="30 日內到期")).to_contain_text("陳大文")
    page.locator("summary", has_text="更改").click()
    page.get_by_label("獲取點數").fill("x")
    page.get_by_role("button", name="儲存").click()
    expect(page.get_by_label("獲取點數")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("獲取點數").fill("2")
    page.get_by_role("button", name="儲存").click()
    expect(page.get_by_role("region", name="點數規則")).to_contain_text("得 2 點")
    assert untranslated(page) == set()
