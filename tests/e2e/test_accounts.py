"""A customer logs in by the code of the mail, sees their orders, edits their name, logs out (A4, C6, C7, G3)."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_pages import inspect, untranslated

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
_CODE = re.compile(r"^(\d{6})$", re.MULTILINE)


def _code(stack: Stack, address: str) -> str:
    """The code of the newest mail to the address; "" while none is there."""
    query = {"to": address}
    answer = httpx.get(f"{stack.settings.mail_url}/api/messages", params=query, trust_env=False)
    codes = [code[1] for mail in answer.json()["messages"] if (code := _CODE.search(mail["text"]))]
    return codes[0] if codes else ""


def _log_in(page: Page, stack: Stack, shop: Shop, address: str) -> None:
    """By keyboard, from a page that asks for it."""
    page.goto(f"/s/{shop.slug}/account")
    expect(page).to_have_url(re.compile("/login"))
    _looks_right(page)
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/login/code"))
    code = until(lambda: _code(stack, address), "the mail with the code arrives", seconds=60)
    page.keyboard.type("000000" if code != "000000" else "111111")
    page.keyboard.press("Enter")
    expect(page.locator("#code-error")).to_be_visible()
    expect(page.locator("#code")).to_be_focused()
    _looks_right(page)
    page.locator("#code").fill(code)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/s/{shop.slug}/account$"))


def _looks_right(page: Page) -> None:
    size = page.viewport_size
    assert size
    inspect(page, size["width"])
    if page.locator("html").get_attribute("lang") == "zh-Hant":
        assert untranslated(page) - {"shop"} == set(), page.url


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["desktop", "phone"])
def test_a_customer_logs_in_by_a_code_looks_edits_and_logs_out(
    stack: Stack, shop: Shop, open_page: OpenPage, language: str, size: tuple[int, int]
) -> None:
    who = shop.somebody("陳大文")
    member = shop.member(who)
    number = shop.get(f"/customers/{member}/orders")["items"][0]["number"]
    until(lambda: shop.get(f"/customers/{member}/login-methods")["items"], "the login methods appear")
    page = open_page(language=language, size=size, logged_in=False)
    _log_in(page, stack, shop, who.email)
    _looks_right(page)
    page.get_by_role("link", name=f"#{number}").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"#{number}")
    page.go_back()
    for form in ("addresses/new", "profile"):
        page.goto(f"/s/{shop.slug}/account/{form}")
        _looks_right(page)
    page.locator("#name").fill("陳小文")
    page.locator("main button[type=submit]").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text("陳小文")
    page.locator(f'form[action="/s/{shop.slug}/logout"] button').click()
    expect(page).to_have_url(re.compile("/login$"))
    page.goto(f"/s/{shop.slug}/account")
    expect(page).to_have_url(re.compile("/login"))
