"""From an order that is entered unpaid to the money, at a provider in another place, and back (A4, E1)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop
from tests.e2e.test_pages import inspect, untranslated

pytestmark = pytest.mark.browser


def set_up_provider(page: Page, stack: Stack) -> None:
    """As a merchant does: the webhook address to the provider, both secrets from there."""
    page.goto("/console/payments/settings")
    page.get_by_role("link", name="Set up Test payments").click()
    webhook = page.get_by_role("textbox", name="Webhook address").input_value()
    provider = page.context.new_page()
    provider.goto(stack.settings.payments_url)
    provider.get_by_label("API key").fill("sk_test_shop")
    provider.get_by_label("Webhook address").fill(webhook)
    provider.get_by_role("button", name="Make a webhook secret").click()
    secret = provider.get_by_role("status").locator("strong").inner_text()
    provider.close()
    page.get_by_label("Secret key").fill("pk_wrong")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("Please fill this in")
    page.get_by_label("Name for customers").fill("Card or wallet")
    page.get_by_label("Secret key").fill("sk_test_shop")
    page.get_by_label("Webhook signing secret").fill(secret)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("The payment provider is saved")
    assert "sk_test" not in page.content(), "a secret goes in and does not come out"
    page.get_by_role("button", name="Test the key").click()
    expect(page.get_by_role("status").first).to_contain_text("The provider takes the key")


def test_an_unpaid_order_is_paid_by_its_link_and_given_back_in_part(
    shop: Shop, stack: Stack, open_page: OpenPage
) -> None:
    """E1: the link, the provider's page (declined once, cancelled once, then paid), both sides say so; then a refund."""
    page = open_page()
    set_up_provider(page, stack)
    order = shop.order(shop.somebody("陳大文"), paid=False, amount=8_880)
    page.goto(f"/console/orders/{order['order_id']}")
    link = page.get_by_label("Link for the customer").input_value()

    customer = open_page(logged_in=False, size=PHONE, language="zh-Hant")
    customer.goto(link + "?language=zh-Hant")
    button = customer.get_by_role("button", name=re.compile("付款"))
    expect(button).to_contain_text("HK$\u00a088.80")
    inspect(customer, PHONE[0])
    assert untranslated(customer) <= {"Card", "or", "wallet"}
    button.click()
    expect(customer).to_have_url(re.compile(re.escape(stack.settings.payments_url)))
    customer.get_by_role("button", name="Fail").or_(customer.get_by_role("button", name="付款失敗")).click()
    expect(customer.get_by_role("alert")).to_be_visible()
    customer.get_by_role("button", name="取消").or_(customer.get_by_role("button", name="Cancel")).click()
    expect(customer.get_by_role("status")).to_contain_text("尚未付款便返回")
    inspect(customer, PHONE[0])
    button.click()
    customer.get_by_role("button", name=re.compile("^(付款|Pay)$")).click()
    # The provider tries again after 1, 2, 4 … s, and gives way to everybody else on the machine.
    expect(customer.locator("h1 + .badge-of")).to_have_text("已付款", timeout=60_000)
    expect(customer.locator("main")).to_contain_text("Card or wallet")

    page.reload()
    expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
    payment = page.get_by_role("region", name="Payment", exact=True)
    expect(payment).to_contain_text("Online payment · Card or wallet")
    page.get_by_role("link", name="Refund").click()
    expect(page.get_by_label("Given back by")).to_have_value("5")
    page.get_by_label("Amount").fill("10.13")
    page.get_by_role("button", name="Note the refund").click()
    failed = payment.get_by_text("There is not enough money in the account with the provider.")
    for _ in range(20):
        if failed.count():
            break
        page.wait_for_timeout(300)
        page.reload()
    expect(payment.get_by_role("button", name="Ask the provider again")).to_be_visible()
    inspect(page, 1280)
    page.get_by_role("link", name="Payments that need a look").click()
    page.get_by_text("Settle", exact=False).first.click()
    inspect(page, 1280)
    page.get_by_label("What was done").fill("given in cash")
    page.get_by_role("button", name="Settle with this note").click()
    expect(page.get_by_role("heading", name="Nothing to look at")).to_be_visible()
