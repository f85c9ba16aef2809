"""Staff are invited, join, log in in two steps, change and lose roles, in a real browser (H1, G3)."""

from __future__ import annotations

import re
import time

import pyotp
import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_accounts import looks_right
from tests.e2e.test_pages import inspect
from tests.support.messages import link_for, messages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PASSWORD = "correct horse battery"


def invite(page: Page, name: str, email: str, role: str) -> None:
    """By the form, as an owner."""
    page.goto("/console/staff")
    form = page.get_by_role("region", name="Invite somebody")
    form.get_by_label("Name").fill(name)
    form.get_by_label("E-mail").fill(email)
    form.get_by_label("Role").select_option(role)
    form.get_by_role("button", name="Send invitation").press("Enter")
    expect(page.locator("main [role=status]")).to_contain_text(email)


def join(page: Page, stack: Stack, email: str) -> None:
    """Behind the link of the mail; opening it changes nothing."""
    link = link_for(stack, email, "/console/join", seconds=120)
    page.goto(link)
    page.goto(link)
    looks_right(page)
    page.locator("#password").fill(PASSWORD)
    page.locator("#password").press("Enter")
    page.wait_for_url(re.compile(r"/console/$"))


def log_in(page: Page, shop: Shop, email: str) -> None:
    """The first step."""
    page.goto("/console/login")
    for field, value in (("store", shop.slug), ("email", email), ("password", PASSWORD)):
        page.locator(f"#{field}").fill(value)
    page.keyboard.press("Enter")


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["desktop", "phone"])
def test_an_invited_manager_joins_logs_in_in_two_steps_and_is_demoted(
    stack: Stack, shop: Shop, page: Page, open_page: OpenPage, language: str, size: tuple[int, int]
) -> None:
    """H1: from the mail to the sentence that says what a cashier may not do; every page by keyboard, in both languages."""
    email = f"may@{shop.slug}.example"
    invite(page, "陳小美", email, "Manager")
    looks_right(page)
    may = open_page(language=language, size=size, logged_in=False)
    join(may, stack, email)
    may.goto("/console/account")
    looks_right(may)
    may.goto("/console/account/second-factor")
    looks_right(may)
    may.locator("#password").fill(PASSWORD)
    may.keyboard.press("Enter")
    secret = may.locator("#totp-secret").inner_text()
    expect(may.locator("svg.qr")).to_be_visible()
    may.locator("#code").fill("000000")
    may.keyboard.press("Enter")
    expect(may.locator(".invalid-feedback")).to_be_visible()
    inspect(may, size[0])
    may.locator("#code").fill(pyotp.TOTP(secret).at(time.time()))
    may.keyboard.press("Enter")
    expect(may.locator("#recovery-codes li")).to_have_count(10)
    codes = may.locator("#recovery-codes li").all_inner_texts()
    inspect(may, size[0])

    may.context.clear_cookies(name="onefold_session")
    log_in(may, shop, email)
    expect(may).to_have_url(re.compile("/login/code"))
    looks_right(may)
    may.locator("#code").fill("nonsense")
    may.keyboard.press("Enter")
    expect(may.locator(".invalid-feedback")).to_contain_text("4")
    may.locator("#code").fill(codes[0].upper())
    may.keyboard.press("Enter")
    may.wait_for_url(re.compile(r"/console/$"))
    may.goto("/console/account")
    expect(may.locator("main")).to_contain_text("9")
    may.goto("/console/payments/settings")
    expect(may.locator("main h1")).to_be_visible()

    page.goto("/console/staff")
    page.get_by_role("link", name="Change 陳小美").press("Enter")
    looks_right(page)
    page.get_by_label("Role").select_option("Cashier")
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_role("row", name="陳小美")).to_contain_text("Cashier")
    until(lambda: _status(may, "/console/payments/settings") == 403, "the role counts within a second", seconds=3)
    expect(may.locator("main")).to_contain_text("payments:write")
    expect(may.locator("main")).to_contain_text("owner" if language == "en" else "店主")
    inspect(may, size[0])
    may.goto("/console/")
    expect(may.locator("a[href='/console/staff']")).to_have_count(0)

    page.get_by_role("link", name="Change 陳小美").click()
    page.get_by_role("link", name="Remove …").press("Enter")
    looks_right(page)
    page.get_by_role("button", name="Remove for good").press("Enter")
    expect(page.get_by_role("row", name="陳小美")).to_have_count(0)
    until(lambda: "/login" in _address(may, "/console/"), "the removed one is out", seconds=3)


def _status(page: Page, path: str) -> int:
    answer = page.goto(path)
    return answer.status if answer else 0


def _address(page: Page, path: str) -> str:
    page.goto(path)
    return page.url


def test_a_cashier_sells_at_the_till_and_sees_no_more_than_that(
    stack: Stack, shop: Shop, page: Page, open_page: OpenPage
) -> None:
    """H1, H2: console and till as the role has them; what it may not do is neither offered nor done."""
    email = f"till@{shop.slug}.example"
    shop.post("/items", {"name_en": "Oolong", "name_zh": "烏龍茶", "sku": "T-1", "unit_price_minor": 2_800})
    who = shop.somebody()
    member = shop.member(who)
    invite(page, "Tai Man", email, "Cashier")
    cashier = open_page(logged_in=False)
    join(cashier, stack, email)
    expect(cashier.get_by_role("link", name="Paid order", exact=True)).to_be_visible()
    expect(cashier.locator("a[href='/console/staff']")).to_have_count(0)
    for path in ("/console/staff", "/console/merges/new", "/console/levels/edit", "/console/audit"):
        assert _status(cashier, path) == 403, path
    cashier.goto(f"/console/members/{member}")
    expect(cashier.get_by_role("link", name="Edit")).to_be_visible()
    expect(cashier.get_by_role("link", name="Erase person")).to_have_count(0)
    cashier.goto("/pos/")
    expect(cashier.locator("[data-ready]")).to_be_attached()
    cashier.keyboard.press("F4")
    cashier.keyboard.type("t-1")
    cashier.keyboard.press("Enter")
    cashier.keyboard.press("Control+Enter")
    expect(cashier.get_by_role("dialog", name="Payment")).to_contain_text("HK$\u00a028.00")
    cashier.keyboard.type("100")
    cashier.keyboard.press("Enter")
    expect(cashier.get_by_role("dialog", name="Receipt")).to_contain_text(re.compile(r"Order #\d+"))


def test_a_forgotten_password_is_set_by_the_mails_link(stack: Stack, shop: Shop, open_page: OpenPage) -> None:
    """A8: strangers read the same sentence; sessions elsewhere end, and the former password opens nothing."""
    elsewhere, page = open_page(), open_page(logged_in=False)
    sentences = set()
    for email in (f"stranger@{shop.slug}.example", shop.email):
        page.goto("/console/login")
        page.get_by_role("link", name="Forgotten password?").press("Enter")
        page.locator("#store").fill(shop.slug)
        page.locator("#email").fill(email)
        page.keyboard.press("Enter")
        expect(page.locator("main [role=status]")).to_be_visible()
        sentences.add(page.locator("main").inner_text())
    assert len(sentences) == 1
    looks_right(page)
    page.goto(link_for(stack, shop.email, "/console/join"))
    looks_right(page)
    page.locator("#password").fill("tea shop")
    page.evaluate("document.querySelector('#password').form.noValidate = true")
    page.keyboard.press("Enter")
    expect(page.locator(".invalid-feedback")).to_contain_text("12")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/console/$"))
    until(lambda: "/login" in _address(elsewhere, "/console/"), "the other session has ended", seconds=3)
    assert messages(stack, f"stranger@{shop.slug}.example") == []


def test_sessions_are_ended_and_the_password_changed_in_ones_account(shop: Shop, open_page: OpenPage) -> None:
    page, elsewhere = open_page(), open_page(language="zh-Hant", size=PHONE)
    page.goto("/console/account")
    expect(page.get_by_role("button", name="Log out there")).to_have_count(1)
    page.get_by_label("Current password").fill("wrong horse battery")
    page.get_by_label("New password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".invalid-feedback")).to_be_visible()
    looks_right(page)
    page.get_by_label("Current password").fill(shop.password)
    page.get_by_label("New password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("main [role=status]")).to_be_visible()
    expect(page.get_by_role("button", name="Log out there")).to_have_count(0)
    until(lambda: "/login" in _address(elsewhere, "/console/"), "the other session has ended", seconds=3)
    shop.password = PASSWORD
    page.context.clear_cookies(name="onefold_session")
    log_in(page, shop, shop.email)
    page.wait_for_url(re.compile(r"/console/$"))
