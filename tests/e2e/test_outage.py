"""The console while a part of the system is away (E6)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.shop import Shop, until

pytestmark = [pytest.mark.browser, pytest.mark.fault]
MEMBERSHIP = ("membership-serve", "membership-work")


def test_an_order_is_entered_while_membership_is_away_and_linked_once_it_is_back(
    stack: Stack, shop: Shop, page: Page
) -> None:
    """E6: the search says that it is away, the order stands all the same, and the member appears by itself."""
    who = shop.somebody("歐陽峯")
    page.goto("/console/orders/new/paid")
    for name in MEMBERSHIP:
        stack.process(name).terminate()
    try:
        page.get_by_role("combobox", name="Search members").fill(who.name)
        expect(page.get_by_text("The search cannot be reached right now")).to_be_visible()
        page.get_by_role("option", name="Create new customer").click()
        page.get_by_label("Mobile phone").fill(who.phone_text)
        page.locator("[name$=-title]").fill("Tea")
        page.locator("[name$=-unit_price]").fill("88")
        page.get_by_role("button", name="Save paid order").click()
        expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
        expect(page.get_by_role("region", name="Customer", exact=True)).to_contain_text("cannot be reached right now")
        order_page = page.url
        page.goto("/console/")
        expect(page.get_by_text("A part of Onefold cannot be reached right now")).to_be_visible()
        expect(page.get_by_role("table", name="Newest orders")).to_contain_text("歐陽峯")
        page.goto("/console/members")
        expect(page.get_by_role("heading", level=1)).to_have_text("One moment, please")
    finally:
        for name in MEMBERSHIP:
            stack.process(name).start()
            stack.write_state()
    page.goto(order_page)
    member = page.get_by_role("region", name="Customer", exact=True).get_by_role("link", name="歐陽峯")

    def linked() -> bool:
        page.reload()
        return member.is_visible()

    until(linked, "the order is linked to its member", 30)
    member.click()
    expect(page.get_by_role("region", name="Profile")).to_contain_text(who.phone_text)
    expect(page.get_by_role("table", name="Orders")).to_contain_text("HK$\u00a088.00")
