"""Importing members at the console, from the sample file to the mended rows (D)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop
from tests.e2e.test_pages import inspect

pytestmark = pytest.mark.browser
HEADER = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
# What stays as it is in Chinese beside headings and cells, which say so themselves.
NAMES = {
    "API",
    "Onefold",
    "English",
    "CSV",
    "Webhook",
    "UTF",
    "MB",
    "Big",
    "HKSCS",
    "CP",
    "GB",
    "Text",
    "en",
    "zh",
    "Hant",
    "Ada",
    "Wong",
    "Tea",
    "House",
    "csv",
    "members",
    "Phone",
}
WORDS = {
    "en": {
        "tab": "Import",
        "upload": "Upload and look at it",
        "right": "It reads right: check the file",
        "again": "Look again",
        "go": "Import 2 members",
        "mended": "Import 1 member",
        "rows": "Download these rows as a file",
        "done": "Completed",
        "other": "Import another file",
    },
    "zh-Hant": {
        "tab": "匯入",
        "upload": "上載並查看",
        "right": "文字正確，檢查檔案",
        "again": "再看一次",
        "go": "匯入 2 位會員",
        "mended": "匯入 1 位會員",
        "rows": "把這些列下載成檔案",
        "done": "已完成",
        "other": "匯入另一個檔案",
    },
}


def untranslated(page: Page) -> set[str]:
    """English words that neither are names nor say that they are not to be translated."""
    text = page.evaluate(
        """() => { const body = document.body.cloneNode(true);
        for (const each of body.querySelectorAll("[translate=no], script, option, select")) each.remove();
        return body.textContent }"""
    )
    return set(re.findall(r"[A-Za-z]{2,}", re.sub(r"\S+@\S+", "", text))) - NAMES


@pytest.mark.parametrize(("language", "size"), [("en", DESKTOP), ("zh-Hant", PHONE)], ids=["desktop", "phone"])
def test_a_file_is_looked_at_checked_imported_and_its_failed_rows_mended(
    shop: Shop, open_page: OpenPage, tmp_path: Path, language: str, size: tuple[int, int]
) -> None:
    """D1-D5: a wrong encoding shows before anybody is added."""
    page, words = open_page(language=language, size=size), WORDS[language]
    people = [shop.somebody(name) for name in ("歐陽峯", "衞啲栢", "陳小明")]
    lines = [f"{who.name},{who.phone},{who.email},,,,,,," for who in people[:2]]
    file = tmp_path / "members.csv"
    file.write_bytes("\r\n".join((HEADER, *lines, f"{people[2].name},9.4512053E+07,,,,,,,,")).encode("big5-hkscs"))

    def look(each: Page) -> None:
        inspect(each, size[0])
        assert language == "en" or untranslated(each) == set(), each.url

    page.goto("/console/members")
    page.get_by_role("link", name=words["tab"], exact=True).click()
    look(page)
    page.locator("main a[href$='/imports/new']").first.click()
    look(page)
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name=words["upload"]).click()
    expect(page.get_by_role("cell", name="歐陽峯")).to_be_visible()
    look(page)
    page.locator("#encoding").select_option("gb18030")
    page.get_by_role("button", name=words["again"]).click()
    expect(page.get_by_role("cell", name="歐陽峯")).to_have_count(0)
    page.locator("#encoding").select_option("big5-hkscs")
    page.get_by_role("button", name=words["again"]).click()
    page.get_by_role("button", name=words["right"]).click()
    expect(page.get_by_text("9.4512053E+07").first).to_be_visible()
    look(page)
    assert not shop.get("/customers?members_only=true")["items"], "nobody is added before it is confirmed"
    page.get_by_role("button", name=words["go"]).click()
    expect(page.get_by_text(words["done"], exact=True)).to_be_visible()
    look(page)
    assert {each["name"] for each in shop.get("/customers?members_only=true")["items"]} == {"歐陽峯", "衞啲栢"}
    with page.expect_download() as download:
        page.get_by_role("link", name=words["rows"]).click()
    failed = download.value.path().read_text("utf-8-sig").replace("9.4512053E+07", people[2].phone)
    file.write_text(failed, "utf-8-sig")
    page.get_by_role("link", name=words["other"]).click()
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name=words["upload"]).click()
    page.get_by_role("button", name=words["right"]).click()
    page.get_by_role("button", name=words["mended"]).click()
    expect(page.get_by_text(words["done"], exact=True)).to_be_visible()


_DROPPED = """([name, text]) => { const dropped = new DataTransfer();
 dropped.items.add(new File([text], name, { type: "text/csv" })); return dropped }"""


@pytest.mark.parametrize(
    ("language", "size", "upload", "discard", "state"),
    [
        ("en", DESKTOP, "Upload and look at it", "Discard this upload", "Discarded"),
        ("zh-Hant", PHONE, "上載並查看", "捨棄這次上載", "已捨棄"),
    ],
)
def test_a_file_is_dropped_looked_at_and_discarded(
    shop: Shop, open_page: OpenPage, language: str, size: tuple[int, int], upload: str, discard: str, state: str
) -> None:
    """D1, D4: what is dropped is what is sent; what is discarded adds nobody and stays listed."""
    page, who = open_page(language=language, size=size), shop.somebody("陳小明")
    page.goto("/console/imports/new")
    zone = page.locator("[data-drop]")
    dropped = page.evaluate_handle(_DROPPED, ["dropped.csv", f"{HEADER}\n{who.name},{who.phone},,,,,,,,"])
    zone.dispatch_event("dragenter", {"dataTransfer": dropped})
    expect(zone).to_have_class(re.compile(r"\bover\b"))
    zone.dispatch_event("drop", {"dataTransfer": dropped})
    expect(zone).not_to_have_class(re.compile(r"\bover\b"))
    expect(zone.get_by_role("status")).to_contain_text("dropped.csv")
    page.get_by_role("button", name=upload).click()
    expect(page.get_by_role("cell", name="陳小明")).to_be_visible()
    inspect(page, size[0])
    page.get_by_role("button", name=discard).click()
    listed = page.get_by_role("row").filter(has_text="dropped.csv")
    expect(listed).to_contain_text(state)
    listed.get_by_role("link").click()
    inspect(page, size[0])
    assert language == "en" or untranslated(page) - {"dropped"} == set()
    assert not shop.get("/customers?members_only=true")["items"]


def test_without_script_a_file_is_refused_with_the_reason_and_another_imported(
    shop: Shop, open_page: OpenPage, tmp_path: Path
) -> None:
    """D3: the page goes on by reloading."""
    page, who = open_page(script=False), shop.somebody("No Script")
    file = tmp_path / "members.csv"
    for content, sentence in ((b"", "This file is empty"), (b"PK\x03\x04 xl/workbook.xml", "This is a spreadsheet")):
        file.write_bytes(content)
        page.goto("/console/imports/new")
        page.locator("#file").set_input_files(file)
        page.get_by_role("button", name="Upload and look at it").click()
        expect(page.locator(".invalid-feedback")).to_contain_text(sentence)
    file.write_text(f"{HEADER.replace('Note', 'Remark')}\r\n{who.name},{who.phone},,,,,,,,")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload and look at it").click()
    expect(page.get_by_role("alert")).to_contain_text("must be exactly “Note”")
    expect(page.get_by_role("button", name="It reads right")).to_have_count(0)
    file.write_text(f"{HEADER}\r\n{who.name},{who.phone},,,,,,,,")
    page.get_by_role("link", name="Choose another file").click()
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="Upload and look at it").click()
    page.get_by_role("button", name="It reads right: check the file").click()
    page.get_by_role("button", name="Import 1 member").click()
    expect(page.get_by_text("Completed", exact=True)).to_be_visible()
    assert [each["name"] for each in shop.get("/customers?members_only=true")["items"]] == ["No Script"]
