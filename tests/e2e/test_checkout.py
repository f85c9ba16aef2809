"""Buying at the online store, from the window to the order's page (A1, A2, A7, C3, C6, E4)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_pages import inspect, untranslated
from tests.support.messages import code_for, messages

pytestmark = pytest.mark.browser


def sell(shop: Shop) -> None:
    """Puts two items into the window."""
    for name_en, name_zh, price in (("Oolong tea", "烏龍茶", 4_500), ("Tea pot", "茶壺", 48_000)):
        shop.post("/items", {"name_en": name_en, "name_zh": name_zh, "unit_price_minor": price})


def put(page: Page, item: str, button: str) -> None:
    page.get_by_role("listitem").filter(has_text=item).get_by_role("button", name=button).click()


def log_in(page: Page, stack: Stack, address: str) -> None:
    """By the code of the mail."""
    seen = len(messages(stack, address))
    page.locator("#identifier").fill(address)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url(re.compile("/login/code"))
    page.locator("#code").fill(code_for(stack, address, seen=seen))
    page.locator("main button[type=submit]").first.click()


def test_a_guest_buys_on_a_phone_without_script(shop: Shop, open_page: OpenPage) -> None:
    """A1, A7, G3, H3: in Chinese; every step fits the screen and axe finds nothing."""
    sell(shop)
    who = shop.somebody("陳大文")
    page = open_page(language="zh-Hant", size=PHONE, script=False, logged_in=False)
    page.goto(f"/s/{shop.slug}")
    put(page, "烏龍茶", "加入購物車")
    put(page, "烏龍茶", "加入購物車")
    put(page, "茶壺", "加入購物車")
    page.get_by_role("link", name="購物車 3").click()
    page.get_by_role("button", name="移除 茶壺").click()
    expect(page.locator(".sums .total")).to_contain_text("HK$\u00a090.00")
    page.get_by_role("link", name="結帳").click()
    page.get_by_role("button", name="下單").click()
    expect(page.locator(".invalid-feedback")).to_have_count(3)
    page.get_by_label("姓名").fill(who.name)
    page.get_by_label("電郵").fill(who.email)
    page.get_by_label("手機號碼").fill(who.phone_text)
    page.get_by_label("街道、大廈、樓層").fill("彌敦道 1 號")
    page.get_by_role("button", name="下單").click()
    page.wait_for_url(re.compile(f"/s/{shop.slug}/orders/"))
    expect(page.get_by_text("烏龍茶")).to_be_visible()
    [order] = shop.get("/orders")["items"]
    assert (order["total_minor"], order["channel"], order["contact"]["name"]) == (9_000, "storefront", who.name)
    page.goto(f"/s/{shop.slug}/cart")
    expect(page.get_by_role("heading", name="購物車是空的")).to_be_visible()


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["desktop", "phone"])
def test_the_pages_of_the_store_are_accessible_and_fit(
    shop: Shop, open_page: OpenPage, language: str, size: tuple[int, int]
) -> None:
    """G3, H3."""
    sell(shop)
    page = open_page(language=language, size=size, logged_in=False)
    page.goto(f"/s/{shop.slug}")
    inspect(page, size[0])
    page.locator(".put-in button").first.click()
    for address in ("?q=nobody", "/cart", "/checkout"):
        page.goto(f"/s/{shop.slug}{address}")
        assert language == "en" or untranslated(page) == set(), address
        inspect(page, size[0])
    page.locator("main form button[type=submit]").click()
    expect(page.locator("[data-errors]")).to_be_focused()
    inspect(page, size[0])


def test_a_member_logs_in_at_the_checkout_and_orders_what_was_in_the_cart(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    """A2, C3, C6, E4: prefilled the second time; the member page shows a cart that was left."""
    sell(shop)
    who = shop.somebody("Chan Tai Man")
    member = shop.member(who)
    page = open_page(logged_in=False)
    page.goto(f"/s/{shop.slug}")
    put(page, "Tea pot", "Put in cart")
    page.get_by_role("link", name="Cart 1").click()
    page.get_by_role("link", name="Check out").click()
    page.get_by_role("main").get_by_role("link", name="Log in").click()
    log_in(page, stack, who.email)
    page.wait_for_url(re.compile("/checkout$"))
    expect(page.get_by_label("Name")).to_have_value(who.name)
    page.get_by_label("Street, building, floor").fill("1 Nathan Road")
    page.get_by_role("button", name="Place the order").dblclick()
    page.wait_for_url(re.compile(f"/s/{shop.slug}/orders/"))
    orders = shop.get(f"/customers/{member}/orders")["items"]
    assert [(order["total_minor"], order["status"]) for order in orders] == [(48_000, "unpaid"), (12_345, "paid")]
    page.goto(f"/s/{shop.slug}")
    put(page, "Oolong tea", "Put in cart")
    page.goto(f"/s/{shop.slug}/checkout")
    expect(page.get_by_role("radio", name="1 Nathan Road")).to_be_checked()
    until(lambda: shop.get("/customers?cart_unchecked=true")["items"], "the cart is found")
    console = open_page()
    console.goto(f"/console/members/{member}")
    expect(console.get_by_role("region", name="Unchecked cart")).to_contain_text("Oolong tea")
