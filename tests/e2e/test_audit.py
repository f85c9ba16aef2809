"""The audit log in a browser: who changed what, found from the thing itself (H1)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def entry(page: Page, action: str) -> object:
    """The newest entry of an action; the page is asked again until it is there, for entries follow their change by an event."""
    row = page.get_by_role("row").filter(has_text=action).first
    for _ in range(40):
        if row.count():
            break
        page.wait_for_timeout(250)
        page.reload()
    expect(row).to_be_visible()
    return row


def test_a_members_page_leads_to_what_was_done_to_it(shop: Shop, open_page: OpenPage) -> None:
    member = shop.member(shop.somebody("陳大文"))
    shop.post(f"/customers/{member}/points", {"points": 50, "expires_on": "2099-12-31"})
    page = open_page()
    page.goto(f"/console/members/{member}")
    page.locator("main").get_by_role("link", name="Audit log").click()
    row = entry(page, "Points awarded or deducted")
    expect(row).to_contain_text("Expiry date: 31 Dec 2099")
    expect(page.get_by_role("list", name="Filters that are on")).to_contain_text("One thing only")
    row.get_by_role("link", name="Customer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")


def test_the_log_is_narrowed_by_person_and_deed_on_a_phone_in_chinese(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(language="zh-Hant", size=PHONE)
    page.goto("/console/audit")
    entry(page, "已登入")
    page.get_by_text("篩選", exact=True).click()
    page.get_by_label("操作人").select_option(label="Ada Wong")
    page.get_by_label("操作", exact=True).select_option("staff.logged_in")
    page.get_by_role("button", name="套用").click()
    expect(page.get_by_role("row").filter(has_text="已登入").first).to_contain_text("Ada Wong")
    expect(page.get_by_role("row").filter(has_text="已開設商店")).to_have_count(0)
