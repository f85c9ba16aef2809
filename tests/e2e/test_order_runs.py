"""Many orders at once: picked ones and whole lists, what stayed as it is, progress (E1)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop

pytestmark = pytest.mark.browser


def test_picked_orders_are_shipped_and_a_whole_list_is_refunded(shop: Shop, page: Page) -> None:
    """E1: two of three are picked; then all, of which the unpaid one stays and is named with its reason."""
    for name in ("Ann Small", "Bea Big"):
        shop.order(shop.somebody(name))
    unpaid = shop.order(shop.somebody("Cat Waits"), paid=False)
    page.goto("/console/orders")
    bar = page.locator("[data-pick-bar]")
    expect(bar).to_contain_text("No order picked: all of this list")
    page.get_by_label("Pick order #1001").check()
    page.get_by_label("Pick order #1002").check()
    expect(bar).to_contain_text("2 orders picked")
    bar.get_by_role("button", name="Change status").click()
    page.get_by_label("New status").select_option(label="Shipped")
    page.get_by_label("Reason").fill("van 7")
    page.get_by_role("button", name="Change status").click()
    expect(page.get_by_text("2 orders changed.")).to_be_visible()
    page.get_by_role("link", name="Back to the orders").click()
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_label("All orders of the list: 3 orders")).to_be_checked()
    shop.order(shop.somebody("Dan Late"))
    page.get_by_role("button", name="Refund in full").click()
    expect(page.get_by_role("alert")).to_contain_text("Orders in it now: 4")
    page.get_by_role("button", name="Refund in full").click()
    expect(page.get_by_text("3 orders changed.")).to_be_visible()
    stayed = page.get_by_role("table", name="Orders that stayed as they are").get_by_role("row")
    expect(stayed).to_have_count(2)
    expect(stayed.nth(1)).to_contain_text(f"#{unpaid['number']}")
    expect(stayed.nth(1)).to_contain_text("This order is not paid")


def test_many_orders_are_changed_without_script_on_a_phone_in_chinese(shop: Shop, open_page: OpenPage) -> None:
    """G3: the list's filter goes along; the run is found again later."""
    shop.order(shop.somebody("何家豪"))
    shop.order(shop.somebody("陳大文"))
    page = open_page(script=False, language="zh-Hant", size=PHONE)
    page.goto("/console/orders?q=家豪")
    page.get_by_role("button", name="更改狀態").click()
    expect(page.get_by_label("清單內的所有訂單：1 張")).to_be_checked()
    page.get_by_label("新狀態").select_option(label="已完成")
    page.get_by_role("button", name="更改狀態").click()
    page.wait_for_url(re.compile(r"/console/orders/bulk/[0-9a-f-]{36}$"))
    expect(page.get_by_text("已更改 1 張訂單。")).to_be_visible()
    page.goto("/console/orders/bulk")
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(2)
