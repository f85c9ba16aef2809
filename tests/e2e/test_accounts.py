"""Customers register and log in in every way, look at their account, change it and log out (A3, A4, A7, C6, C7, F13, G3)."""

from __future__ import annotations

import re

import orjson
import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_pages import inspect, untranslated
from tests.support.messages import code_for, link_for, messages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
ACCOUNT = ("", "/points", "/login", "/password", "/privacy", "/profile", "/addresses/new")
# What browsers and formats are called in every language.
_NAMES = {"shop", "Chrome", "Linux", "JSON"}


def looks_right(page: Page) -> None:
    """axe finds nothing, it fits, and a Chinese page is Chinese."""
    size = page.viewport_size
    assert size
    inspect(page, size["width"])
    if page.locator("html").get_attribute("lang") == "zh-Hant":
        assert untranslated(page) - _NAMES == set(), page.url


def send(page: Page) -> None:
    """The main button of the page."""
    page.locator("main button[type=submit].btn-primary").click()


def type_code(page: Page, stack: Stack, to: str, seen: int) -> None:
    """The code that came after so many messages, by keyboard."""
    expect(page).to_have_url(re.compile("/login/code"))
    page.locator("#code").fill(code_for(stack, to, seen=seen))
    page.keyboard.press("Enter")


def ask(page: Page, stack: Stack, to: str) -> int:
    """Has a code sent from the page's field, by keyboard; how many messages had come before."""
    seen = len(messages(stack, to))
    page.locator("#identifier").fill(to)
    page.keyboard.press("Enter")
    return seen


def log_out(page: Page) -> None:
    """By the menu that is on every page."""
    page.locator("details.menu summary").click()
    page.locator(".menu-sheet button").click()
    expect(page).to_have_url(re.compile("/login$"))


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["desktop", "phone"])
def test_a_customer_logs_in_by_a_code_looks_edits_and_logs_out(
    stack: Stack, shop: Shop, open_page: OpenPage, language: str, size: tuple[int, int]
) -> None:
    """A4: the account was made by an order. Every page of it, in both languages."""
    who = shop.somebody("陳大文")
    member = shop.member(who)
    number = shop.get(f"/customers/{member}/orders")["items"][0]["number"]
    until(lambda: shop.get(f"/customers/{member}/login-methods")["items"], "the login methods appear")
    page = open_page(language=language, size=size, logged_in=False)
    page.goto(f"/s/{shop.slug}/account")
    expect(page).to_have_url(re.compile("/login"))
    expect(page.locator("#identifier")).to_be_focused()
    looks_right(page)
    seen = ask(page, stack, who.email)
    expect(page).to_have_url(re.compile("/login/code"))
    page.keyboard.type("0000")
    page.keyboard.press("Enter")
    expect(page.locator("#code-error")).to_be_visible()
    expect(page.locator("#code")).to_be_focused()
    looks_right(page)
    type_code(page, stack, who.email, seen)
    expect(page).to_have_url(re.compile(f"/s/{shop.slug}/account$"))
    page.get_by_role("link", name=f"#{number}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"#{number}")
    for part in ACCOUNT:
        page.goto(f"/s/{shop.slug}/account{part}")
        looks_right(page)
    page.locator("details.menu summary").click()
    looks_right(page)
    page.goto(f"/s/{shop.slug}/account/profile")
    page.locator("#name").fill("陳小文")
    send(page)
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("陳小文")
    log_out(page)
    page.goto(f"/s/{shop.slug}/account")
    expect(page).to_have_url(re.compile("/login"))


def test_a_guest_registers_by_phone_on_the_way_to_the_checkout_and_finds_the_earlier_order(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    """A3, A7: by the code of a text message; back in the checkout, which knows the new member."""
    who = shop.somebody("陳大文")
    number = shop.order(who, member=False)["number"]
    shop.post("/items", {"name_en": "Oolong tea", "name_zh": "烏龍茶", "unit_price_minor": 4_500})
    page = open_page(language="zh-Hant", size=PHONE, logged_in=False)
    page.goto(f"/s/{shop.slug}")
    page.locator(".put-in button").click()
    page.goto(f"/s/{shop.slug}/checkout")
    page.get_by_role("main").get_by_role("link", name="登入或註冊").click()
    page.locator("#identifier").fill(who.phone_text)
    page.keyboard.press("Enter")
    type_code(page, stack, who.phone, 0)
    expect(page).to_have_url(re.compile("/register"))
    looks_right(page)
    page.locator("#birthday").fill("2999-01-01")
    send(page)
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    looks_right(page)
    page.locator("#name").fill("陳大文")
    page.locator("#birthday").fill("1990-02-03")
    expect(page.locator("#email_marketing")).not_to_be_checked()
    page.locator("#sms_marketing").check()
    send(page)
    expect(page).to_have_url(re.compile("/checkout$"))
    expect(page.locator("#name")).to_have_value("陳大文")
    page.goto(f"/s/{shop.slug}/account")
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")

    def shows() -> bool:
        page.reload()
        return page.get_by_role("link", name=f"#{number}").is_visible()

    until(shows, "the guest's order is the member's")


def test_somebody_registers_by_a_mails_link_with_a_password_and_changes_it(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    """A3, C6, F13: confirmation link, then password; another password ends what began with the old one."""
    who, password = shop.somebody("Chan Tai Man"), "twelve chars and more"
    page, other = open_page(logged_in=False), open_page(size=PHONE, logged_in=False)
    page.goto(f"/s/{shop.slug}/login")
    ask(page, stack, who.email)
    expect(page).to_have_url(re.compile("/login/code"))
    page.goto(link_for(stack, who.email, "/register?token="))
    looks_right(page)
    send(page)
    page.locator("#name").fill(who.name)
    page.locator("#password").fill(password)
    send(page)
    expect(page.get_by_role("status")).to_contain_text("Welcome to")
    other.goto(f"/s/{shop.slug}/login")
    other.locator("#identifier").fill(who.email)
    other.get_by_role("button", name="Log in with a password").click()
    expect(other.locator("#identifier")).to_have_value(who.email)
    looks_right(other)
    other.locator("#password").fill("not it at all")
    send(other)
    expect(other.get_by_role("alert")).to_be_visible()
    other.locator("#password").fill(password)
    send(other)
    expect(other).to_have_url(re.compile("/account$"))
    page.goto(f"/s/{shop.slug}/account/login")
    expect(page.get_by_role("button", name="Log out there")).to_have_count(1)
    page.get_by_role("link", name="Change password").click()
    page.locator("#new_password").fill("another of twelve")
    send(page)
    expect(page.get_by_role("status")).to_contain_text("Your password is set")
    expect(page.get_by_role("button", name="Log out there")).to_have_count(0)
    other.goto(f"/s/{shop.slug}/account")
    expect(other).to_have_url(re.compile("/login"))


def test_a_member_adds_an_address_logs_out_elsewhere_and_takes_the_data_along(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    """C6, F13."""
    who, more = shop.somebody("Chan Tai Man"), shop.somebody()
    member = shop.member(who)
    until(lambda: shop.get(f"/customers/{member}/login-methods")["items"], "the login methods appear")
    page, other = open_page(logged_in=False), open_page(logged_in=False)
    for each in (other, page):
        each.goto(f"/s/{shop.slug}/login")
        type_code(each, stack, who.email, ask(each, stack, who.email))
        expect(each).to_have_url(re.compile("/account$"))
    page.goto(f"/s/{shop.slug}/account/login")
    type_code(page, stack, more.email, ask(page, stack, more.email))
    expect(page.get_by_role("status")).to_contain_text(more.email)
    page.get_by_role("button", name="Log out everywhere else").click()
    expect(page.get_by_role("status")).to_contain_text("1 session has ended")
    other.goto(f"/s/{shop.slug}/account")
    expect(other).to_have_url(re.compile("/login"))
    page.goto(f"/s/{shop.slug}/account/privacy")
    page.get_by_label("News and offers by e-mail").check()
    send(page)
    expect(page.get_by_label("News and offers by e-mail")).to_be_checked()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download my data").click()
    known = orjson.loads(download.value.path().read_bytes())
    assert known["profile"]["customer_id"] == member
    assert {who.email, more.email} <= {method["value"] for method in known["login_methods"]}
    assert [order["lines"][0]["title"] for order in known["orders"]] == ["Oolong 烏龍茶"]
