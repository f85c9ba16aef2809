"""A merchant sets up a webhook, sees what became of it and mends it, in a real browser (H4, G3)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_accounts import looks_right
from tests.e2e.test_pages import inspect
from tests.integration.notification.receiver import verify
from tests.support.program import Program, running

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture
def program() -> Iterator[Program]:
    with running() as server:
        server.status = 410
        yield server


def press(page: Page, name: str) -> None:
    """A button by keyboard, and what it brought."""
    page.get_by_role("button", name=name).press("Enter")
    expect(page.locator("main .note[role=status]")).to_be_visible()


def reloaded_until(page: Page, sought: str) -> None:
    """The page shows what has happened meanwhile once it is loaded again: an element, by its selector."""

    def seen() -> bool:
        page.reload()
        return page.locator(f"main {sought}").count() > 0

    until(seen, sought)


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["en", "zh-Hant"])
def test_a_webhook_from_its_address_to_an_order_that_arrives(
    shop: Shop, open_page: OpenPage, program: Program, language: str, size: tuple[int, int]
) -> None:
    """H4: a mistake is named and nothing typed lost; the secret is shown once; what failed is seen, mended and sent once more."""
    english = language == "en"
    page = open_page(language=language, size=size)
    page.goto("/console/settings/webhooks")
    looks_right(page)
    page.get_by_role("link", name="New webhook" if english else "新增 Webhook").click()
    page.locator("#url").fill("https://192.168.1.10/hook")
    page.locator("#description").fill("Accounting")
    page.locator("#every-1").check()
    page.locator("#type-order-placed").check()
    page.keyboard.press("Enter")
    expect(page.locator("#url-error")).to_contain_text("public internet" if english else "公開的網際網路")
    expect(page.locator("#description")).to_have_value("Accounting")
    expect(page.locator("#type-order-placed")).to_be_checked()
    looks_right(page)
    page.locator("#url").fill(f"http://127.0.0.1:{program.server_port}/hook")
    page.locator("#url").press("Enter")
    secret = page.locator("#secret").input_value()
    looks_right(page)
    page.locator("main p a.btn").click()
    webhook = page.url

    press(page, "Send a test" if english else "傳送測試")
    # It answered 410: it wants nothing any more, and is disabled.
    reloaded_until(page, "button:has-text('Enable again')" if english else "button:has-text('重新啟用')")
    looks_right(page)
    program.status = 200
    press(page, "Enable again" if english else "重新啟用")
    press(page, "Send all that failed once more" if english else "重新傳送所有失敗的紀錄")
    reloaded_until(page, "td:has-text('Delivered')" if english else "td:has-text('已送達')")
    placed = str(shop.order(shop.somebody("陳大文"))["order_id"])
    until(lambda: len(program.posted) == 3, "the order arrives")
    headers, body = program.posted[2]
    assert verify(headers, body, secret) == 1
    assert placed in body.decode()
    assert "陳大文" not in body.decode()

    page.goto(f"{webhook}?state=delivered&type=order.placed")
    reloaded_until(page, "table a")  # once it is written down
    looks_right(page)
    page.locator("table a").first.click()
    expect(page.locator("pre")).to_contain_text(placed)
    expect(page.locator("table")).to_contain_text("hello")
    looks_right(page)
    press(page, "Send once more" if english else "重新傳送")
    until(lambda: len(program.posted) == 4, "it arrives once more")
    assert program.posted[3][0]["webhook-id"] == headers["webhook-id"]

    page.goto(webhook)
    page.get_by_role("link", name="New secret" if english else "更換密鑰").click()
    looks_right(page)
    page.locator("main button[type=submit]").press("Enter")
    assert page.locator("#secret").input_value() != secret
    page.goto(webhook)
    page.get_by_role("link", name="Remove" if english else "移除").click()
    page.locator("main button[type=submit]").press("Enter")
    expect(page).to_have_url(page.url.partition("?")[0])
    expect(page.locator("main")).to_contain_text("No webhook yet" if english else "尚未設定 Webhook")
    page.goto("/api/docs/events")
    page.locator("summary", has_text="order.placed").first.press("Enter")
    expect(page.locator("details[open] pre")).to_contain_text('"order.placed"')
    inspect(page, size[0])  # what the contracts say is English
