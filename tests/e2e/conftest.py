"""A browser for the run of this folder, and a store and a page for each test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from deploy.local.stack import Stack
from tests.e2e.shop import Shop, log_in

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
DESKTOP, PHONE = (1280, 900), (390, 844)
# axe puts styles into the page to measure it, which the content security policy rightly refuses.
PATIENCE_MS = 20_000  # tests may share the machine with a build
_NOT_OURS = ("Applying inline style violates",)


class OpenPage(Protocol):
    """Opens a page of a size, in a language, with or without script, logged in or not."""

    def __call__(
        self, *, language: str = "en", size: tuple[int, int] = DESKTOP, script: bool = True, logged_in: bool = True
    ) -> Page: ...


# Not for the whole run: while it is open no other event loop can run in this thread, and other folders' tests need one.
@pytest.fixture(scope="package")
def browser(stack: Stack) -> Iterator[Browser]:
    """Headless Chromium."""
    del stack  # started first, since starting needs an event loop
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "The browser tests need Chromium; name it in CHROMIUM."
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    """A store that nobody else uses."""
    shop = Shop(stack)
    yield shop
    shop.close()


@contextmanager
def _context(
    browser: Browser, shop: Shop, language: str, size: tuple[int, int], script: bool
) -> Iterator[BrowserContext]:
    context = browser.new_context(
        base_url=shop.url,
        viewport={"width": size[0], "height": size[1]},
        java_script_enabled=script,
        locale="en-HK",
        timezone_id="Europe/Berlin",  # not the store's: pages must show the store's time, whatever the browser's
    )
    context.set_default_timeout(PATIENCE_MS)
    context.add_cookies([{"name": "onefold_language", "value": language, "url": shop.url}])
    try:
        yield context
    finally:
        context.close()


@pytest.fixture
def open_page(browser: Browser, shop: Shop) -> Iterator[OpenPage]:
    """Opens pages; at the end none of them may have logged an error."""
    complaints: list[str] = []
    opened = []

    def open_one(
        *, language: str = "en", size: tuple[int, int] = DESKTOP, script: bool = True, logged_in: bool = True
    ) -> Page:
        manager = _context(browser, shop, language, size, script)
        opened.append(manager)
        page = manager.__enter__().new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        if logged_in:
            log_in(page, shop)
        return page

    yield open_one
    for manager in opened:
        manager.__exit__(None, None, None)
    # A refused form answers 4xx, which the browser logs by itself.
    ours = [text for text in complaints if not text.startswith((*_NOT_OURS, "Failed to load resource"))]
    assert ours == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    """The owner's desktop, in English."""
    return open_page()
