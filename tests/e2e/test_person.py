"""A person's page: edited by two at once, noted, deleted, erased (C4, C5, C9, C10, C12, F13)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop
from tests.e2e.test_pages import inspect

pytestmark = pytest.mark.browser


def save(page: Page) -> None:
    page.locator("main form button[type=submit]").last.click()


def test_two_who_edit_one_member_lose_nothing(shop: Shop, open_page: OpenPage) -> None:
    """C4: what only one has touched is kept; what both have is chosen, field by field."""
    member = shop.member(shop.somebody("Chan"))
    first, second = open_page(), open_page(size=PHONE)
    for page in (first, second):
        page.goto(f"/console/members/{member}/edit")
    first.locator("#name").fill("Chan Tai Man")
    first.locator("#birthday").fill("1990-05-06")
    save(first)
    expect(first.get_by_role("status")).to_contain_text("The profile is saved")
    second.locator("#tags").fill("VIP, tea")
    second.locator("#name").fill("陳大文")
    save(second)
    expect(second.get_by_role("radio", name="Yours: 陳大文")).to_be_checked()
    inspect(second, PHONE[0])
    expect(second.locator("#birthday")).to_have_value("1990-05-06")
    second.get_by_role("radio", name="Now: Chan Tai Man").check()
    save(second)
    profile = second.get_by_role("region", name="Profile")
    for text in ("Chan Tai Man", "6 May 1990", "VIP", "tea"):
        expect(profile).to_contain_text(text)

    second.goto(f"/console/members/{member}/edit")
    second.locator("#tags").fill("vip, VIP")
    second.locator("#birthday").fill("2099-01-01")
    save(second)
    expect(second.locator("#tags")).to_have_attribute("aria-invalid", "true")
    expect(second.locator("#birthday")).to_have_attribute("aria-invalid", "true")
    expect(second.locator("#tags")).to_have_value("vip, VIP")


def test_addresses_and_notes_come_and_go_without_script(shop: Shop, open_page: OpenPage) -> None:
    """C4, C6: one is the default; a struck note stays; a consent is recorded."""
    member = shop.member(shop.somebody("Chan"))
    page = open_page(script=False)
    for recipient in ("Home", "Office"):
        page.goto(f"/console/members/{member}/addresses/new")
        page.locator("#recipient").fill(recipient)
        page.locator("#lines").fill("1 Nathan Road\n10/F")
        save(page)
    addresses = page.get_by_role("region", name="Addresses")
    expect(addresses.get_by_role("listitem").first).to_contain_text("Home, 1 Nathan Road, 10/F")
    addresses.get_by_role("button", name="Make default Office").click()
    addresses.get_by_role("link", name="Edit Office").click()
    page.locator("#recipient").fill("Shop")
    save(page)
    expect(addresses.get_by_role("listitem").first).to_contain_text("Shop")
    addresses.get_by_role("button", name="Remove Home").click()
    expect(addresses.get_by_role("listitem")).to_have_count(1)

    page.get_by_label("New note").fill("Likes oolong.")
    page.get_by_role("button", name="Add note").click()
    notes = page.get_by_role("region", name="Notes")
    notes.get_by_role("button", name="Strike Likes oolong").click()
    expect(notes).to_contain_text("Struck by Ada Wong")
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Note struck")

    consents = page.get_by_role("region", name="Consents")
    consents.get_by_role("button", name="Record consent Marketing by SMS").click()
    expect(consents).to_contain_text("recorded by staff")
    consents.get_by_role("button", name="Record a withdrawal Marketing by SMS").click()
    expect(page.get_by_role("region", name="Timeline")).to_contain_text("Consent to marketing withdrawn")


def test_a_phone_changes_with_consent_and_an_account_goes_when_its_phone_is_typed_again(
    shop: Shop, open_page: OpenPage
) -> None:
    """C5, C9, C12, in Chinese on a phone: nothing happens without the consent, nor with the wrong words."""
    first, second = shop.somebody("陳大文"), shop.somebody("李小明")
    members = [shop.member(who) for who in (first, second)]
    page = open_page(language="zh-Hant", size=PHONE)
    page.goto(f"/console/members/{members[0]}/phone")
    page.locator("#phone").fill("6999 0001")
    save(page)
    expect(page.get_by_text("更改電話必須得到會員同意")).to_be_visible()
    page.get_by_role("radio", name="親身").check()
    save(page)
    expect(page.get_by_role("region", name="個人資料", exact=True)).to_contain_text("6999 0001")
    for member, kind, phone, words in (
        (members[0], "delete", "6999 0001", "帳戶已刪除"),
        (members[1], "erase", second.phone_text, "個人資料已抹除"),
    ):
        page.goto(f"/console/members/{member}/{kind}")
        page.locator("#confirmation").fill("12345678")
        save(page)
        expect(page.locator("#confirmation")).to_have_attribute("aria-invalid", "true")
        inspect(page, PHONE[0])
        page.locator("#confirmation").fill(phone)
        save(page)
        expect(page.get_by_role("status")).to_contain_text(words)
        expect(page.get_by_role("heading", level=1)).to_have_text("已不存在的帳戶")
        inspect(page, PHONE[0])
    page.goto("/console/members/deletion")
    page.get_by_role("radio", name=re.compile("不可刪除任何會員")).check()
    save(page)
    third = shop.member(shop.somebody())
    page.goto(f"/console/members/{third}")
    expect(page.get_by_role("region", name="刪除或抹除")).to_contain_text("本店不允許刪除會員")
