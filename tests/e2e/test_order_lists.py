"""The orders list: filters, chips, export (E1, C11)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop
from tests.e2e.test_pages import inspect

pytestmark = pytest.mark.browser


def test_orders_are_filtered_and_exported_and_filters_are_taken_off(shop: Shop, page: Page) -> None:
    """E1, C11: several statuses and a total; each filter is a chip; the file holds what the list shows."""
    small, big, waiting = (shop.somebody(name) for name in ("Ann Small", "Bea Big", "Cat Waits"))
    for who, amount, paid in ((small, 1_000, True), (big, 900_000, True), (waiting, 50_000, False)):
        shop.order(who, amount=amount, paid=paid)
    page.goto("/console/orders")
    rows = page.get_by_role("table", name="Orders").get_by_role("row")
    page.get_by_text("Filters", exact=True).click()
    page.get_by_label("Total from").fill("500.00")
    page.get_by_label("Unpaid", exact=True).check()
    page.get_by_label("Paid", exact=True).check()
    page.get_by_role("button", name="Apply").click()
    expect(rows).to_have_count(3)
    inspect(page, DESKTOP[0])
    page.get_by_role("link", name="Take off the filter “Unpaid”").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Bea Big")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as CSV").click()
    assert download.value.suggested_filename.startswith("orders-")
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[4] for line in lines] == ['"Name"', '"Bea Big"']
    page.get_by_role("navigation", name="Status").get_by_role("link", name="Unpaid").click()
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Cat Waits")


def test_order_filters_work_without_script_on_a_phone_in_chinese(shop: Shop, open_page: OpenPage) -> None:
    """G3: a range upside down comes back to its field, with all that was typed."""
    shop.order(shop.somebody("何家豪"))
    page = open_page(script=False, language="zh-Hant", size=PHONE)
    page.goto("/console/orders?q=家豪")
    expect(page.get_by_role("table", name="訂單")).to_contain_text("何家豪")
    page.locator("details.filters summary").click()
    page.get_by_label("下單日期由", exact=True).fill("2026-11-24")
    page.get_by_label("下單日期至", exact=True).fill("2026-11-23")
    page.get_by_role("button", name="套用").click()
    expect(page.get_by_label("下單日期至", exact=True)).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("下單日期由", exact=True)).to_have_value("2026-11-24")
    page.get_by_label("下單日期由", exact=True).fill("2020-01-01")
    page.get_by_label("下單日期至", exact=True).fill("2020-01-02")
    page.get_by_role("button", name="套用").click()
    expect(page.get_by_role("heading", name="沒有符合這些篩選條件的訂單")).to_be_visible()
    seen = open_page(language="zh-Hant", size=PHONE)
    seen.goto("/console/orders?placed_from=2026-11-24&placed_to=2026-11-23&state=paid&channel=api")
    inspect(seen, PHONE[0])
