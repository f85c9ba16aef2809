"""The members list by search, filters and order; saved filters; the overview (C1-C3, C11, F1)."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_pages import inspect

pytestmark = pytest.mark.browser


def test_a_list_is_filtered_sorted_saved_and_exported_and_picks_stay(shop: Shop, page: Page) -> None:
    """C3, C11, F1: what is picked under one filter is merged from under another."""
    for name, amount in (("Ann Small", 1_000), ("Bea Middle", 50_000), ("Cat Big", 900_000)):
        shop.member(shop.somebody(name), amount=amount)
    page.goto("/console/members")
    rows = page.get_by_role("table", name="Members").get_by_role("row")
    page.get_by_role("checkbox", name="Pick Ann Small").check()
    page.get_by_text("Filters and sorting").click()
    page.get_by_label("Net spend from").fill("500.00")
    page.get_by_label("Sort by").select_option(label="Lowest net spend first")
    page.get_by_label("Registered within 7 days").check()
    page.get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text("Bea Middle")
    expect(page.get_by_role("checkbox", name="Ann Small")).to_be_checked()

    page.get_by_role("link", name="Save this filter").click()
    page.get_by_label("Name of the filter").fill("Good customers")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Good customers")).to_be_visible()
    saved = page.get_by_role("navigation", name="Saved filters").get_by_role("link", name="Good customers")
    expect(saved).to_have_attribute("aria-current", "page")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert download.value.suggested_filename.startswith("members-")
    assert [line.split(",")[0] for line in lines] == ['"Name"', '"Bea Middle"', '"Cat Big"']

    page.get_by_role("link", name="Take off the filter “Net spend from 500.00”").click()
    expect(rows).to_have_count(4)
    page.get_by_role("link", name="Update “Good customers”").click()
    expect(page.locator("dd").filter(has_text="Net spend from 500.00")).to_have_count(1)
    inspect(page, DESKTOP[0])
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("status").filter(has_text="Good customers")).to_be_visible()
    expect(saved).to_have_attribute("aria-current", "page")
    expect(page.get_by_role("link", name="Update “Good customers”")).to_have_count(0)
    expect(rows).to_have_count(4)
    page.get_by_role("checkbox", name="Pick Ann Small").check()
    page.get_by_role("checkbox", name="Pick Cat Big").check()
    page.get_by_role("checkbox", name="Pick Ann Small").check()
    page.get_by_role("button", name="Merge accounts").click()
    expect(page.get_by_role("table", name="Picked accounts")).to_contain_text("Cat Big")


def test_filters_work_without_script_on_a_phone_in_chinese(shop: Shop, open_page: OpenPage) -> None:
    """C3, C11, G3: a range upside down comes back to its field; a filter is renamed and deleted."""
    shop.member(shop.somebody("何家豪"))
    page = open_page(script=False, language="zh-Hant", size=PHONE)
    page.goto("/console/members?q=家 豪")
    expect(page.get_by_role("link", name="何家豪")).to_be_visible()
    page.locator("details.filters summary").click()
    page.get_by_label("淨消費下限").fill("20")
    page.get_by_label("淨消費上限").fill("10")
    page.get_by_role("button", name="套用").click()
    expect(page.get_by_label("淨消費上限")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("淨消費下限")).to_have_value("20")
    page.get_by_label("淨消費上限").fill("99999")
    page.get_by_role("button", name="套用").click()
    expect(page.get_by_role("link", name="何家豪")).to_be_visible()
    page.get_by_role("link", name="儲存此篩選條件").click()
    page.get_by_label("篩選條件名稱").fill("好客")
    page.get_by_role("button", name="儲存").click()
    page.get_by_role("link", name="管理篩選條件").click()
    page.get_by_role("link", name="重新命名「好客」").click()
    page.get_by_label("篩選條件名稱").fill("好客人")
    page.get_by_role("button", name="儲存").click()
    page.get_by_role("link", name="好客人", exact=True).click()
    expect(page).to_have_url(re.compile("spend_to=99"))
    page.locator("details.filters summary").click()
    page.get_by_label("淨消費上限").fill("88888")
    page.get_by_role("button", name="套用").click()
    page.get_by_role("link", name="更新「好客人」").click()
    page.get_by_role("button", name="更新").click()
    page.get_by_role("link", name="何家豪").click()
    page.goto("/console/members")
    page.get_by_role("link", name="好客人", exact=True).click()
    expect(page).to_have_url(re.compile("spend_to=88"))
    page.get_by_role("link", name="管理篩選條件").click()
    page.get_by_role("button", name="刪除「好客人」").click()
    expect(page.get_by_role("heading", name="尚未儲存任何篩選條件")).to_be_visible()


def test_the_overview_tells_what_the_store_has(shop: Shop, page: Page) -> None:
    """C1: numbers, the chart's table, and settings; the newest are one click away."""
    for name in ("First One", "Second One"):
        shop.member(shop.somebody(name), amount=10_000)
    page.goto("/console/members/overview")
    figures = page.locator(".figures div")
    expect(figures.filter(has_text="Members").locator("dd").first).to_have_text("2")
    page.get_by_text("The numbers as a table").click()
    expect(page.get_by_role("table", name="Net spend by month").get_by_role("row").nth(1)).to_contain_text(
        "HK$\u00a0200.00"
    )
    expect(page.get_by_role("region", name="Points settings")).to_contain_text("1 point for each HK$\u00a01.00 paid")
    figures.filter(has_text="New within 7 days").get_by_role("link").click()
    expect(page.get_by_role("table", name="Members").get_by_role("row")).to_have_count(3)


def test_the_overview_leads_to_what_is_behind_its_figures(shop: Shop, open_page: OpenPage) -> None:
    """C1, B1, B2, G3: the lists behind numbers, and the settings behind their summaries, for who may change them."""
    rules = {"levels": [{"name": "金", "threshold_minor": 10_000}], "version": 0}
    seen = shop.post("/levels/simulate", rules)
    shop.put("/levels", rules | {"simulation_hash": seen["simulation_hash"]})
    until(lambda: shop.get("/levels")["levels"], "the levels are saved")
    rich = shop.member(shop.somebody("有錢"), amount=10_000)
    shop.member(shop.somebody("沒錢"), amount=5_000)
    shop.post(f"/customers/{rich}/points", {"points": 30, "expires_on": _today()})
    page = open_page(language="zh-Hant", size=PHONE)
    page.goto("/console/members/overview")
    for figure, name, first, count in (
        (page.locator(".figures"), "2", "沒錢", 2),
        (page.locator(".figures"), "180", "有錢", 2),
        (page.get_by_role("table", name="各等級會員人數"), "金", "有錢", 1),
        (page.get_by_role("table", name="各等級會員人數"), "沒有等級", "沒錢", 1),
    ):
        figure.get_by_role("link", name=name, exact=True).first.click()
        rows = page.get_by_role("table", name="會員").get_by_role("row").filter(has=page.get_by_role("cell"))
        expect(rows.filter(has_text="錢")).to_have_count(count)
        expect(rows.filter(has_text="錢").first).to_contain_text(first)
        page.go_back()
    page.locator(".figures").get_by_role("link", name="30", exact=True).click()
    expect(page.get_by_role("table", name="30 日內到期")).to_contain_text("有錢")
    page.go_back()
    page.get_by_role("link", name="更改 點數設定").click()
    expect(page).to_have_url(re.compile(r"/console/points#rules-title$"))
    page.go_back()
    page.get_by_role("link", name="編輯等級").click()
    expect(page.get_by_label("等級名稱")).to_have_value("金")


def _today() -> str:
    return datetime.now(ZoneInfo("Asia/Hong_Kong")).date().isoformat()
