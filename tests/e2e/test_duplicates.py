"""The work list of likely duplicates: scanned, judged by mouse and by keyboard alone, merged from (F12)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.shop import Shop
from tests.e2e.test_merges import MERGED_SECONDS, press, tab_to

pytestmark = pytest.mark.browser
SCANNED_SECONDS = 60_000


def twice(shop: Shop, names: tuple[str, str], birthday: str) -> list[str]:
    """Two accounts of one person, whose birthday both know."""
    ids = [shop.member(shop.somebody(name)) for name in names]
    for each in ids:
        version = shop.get(f"/customers/{each}")["version"]
        shop.patch(f"/customers/{each}", {"expected_version": version, "birthday": birthday})
    return ids


def pair(page: Page, name: str) -> Locator:
    """The panel of the pair in which somebody is called so."""
    return page.get_by_role("region", name=re.compile(name))


def test_pairs_are_judged_by_mouse_and_by_keyboard_alone(shop: Shop, page: Page) -> None:
    twice(shop, ("陳大文", "Chan Tai Man"), "1980-05-12")
    twice(shop, ("Mary Wong", "WONG, Mary"), "1991-01-30")
    page.get_by_role("link", name="Merges", exact=True).click()
    page.get_by_role("link", name="Likely duplicates").click()
    expect(page.get_by_text("Not looked through yet")).to_be_visible()
    page.get_by_role("button", name="Scan now").click()
    expect(pair(page, "Chan Tai Man")).to_be_visible(timeout=SCANNED_SECONDS)
    expect(pair(page, "Chan Tai Man")).to_contain_text("Name written in Chinese and in letters")
    expect(pair(page, "Chan Tai Man").get_by_role("row", name=re.compile("^Birthday .agrees"))).to_be_visible()

    pair(page, "Mary").get_by_role("button", name=re.compile("^Not the same person")).click()
    expect(page.get_by_role("status").filter(has_text="Noted: not the same person.")).to_be_visible()
    expect(pair(page, "Mary")).to_have_count(0)
    page.get_by_role("link", name="Said to be two people").click()
    page.wait_for_url("**/duplicates?dismissed=1")
    expect(pair(page, "Mary")).to_contain_text("Ada Wong")

    # From here on by keys alone.
    press(page, "Suggest again: Mary")
    expect(page.get_by_text("The pair is suggested again.")).to_be_visible()
    press(page, "Suggestions")
    page.wait_for_url("**/merges/duplicates")
    press(page, "Not the same person: Mary")
    expect(page.get_by_role("status").filter(has_text="Noted: not the same person.")).to_be_visible()
    expect(pair(page, "Mary")).to_have_count(0)
    press(page, "陳大文")
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")
    expect(page.get_by_role("region", name="Likely duplicates")).to_contain_text("Same birthday")
    press(page, "Merge: 陳大文")
    expect(page.get_by_role("table", name="Picked accounts")).to_contain_text("Chan Tai Man")
    press(page, "Next: points and primary account")
    page.wait_for_url("**/merges/new/points?**")
    tab_to(page, "陳大文")
    page.keyboard.press("Space")
    press(page, "Next: check")
    page.wait_for_url("**/merges/check?**")
    tab_to(page, "How merging works")
    press(page, "Merge")
    expect(page.get_by_role("dialog", name="Merge these accounts for good?")).to_be_visible()
    press(page, "Merge for good")
    expect(page.get_by_text("All done: the accounts are one.")).to_be_visible(timeout=MERGED_SECONDS)
    press(page, "Likely duplicates")
    expect(page.get_by_text("Nothing to decide")).to_be_visible()
