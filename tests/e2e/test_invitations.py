"""Guests who have ordered are invited, follow the mail's link, register and see their orders (A5, A7, A8)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_accounts import looks_right, send
from tests.support.messages import link_for, messages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def row(page: Page, name: str) -> str:
    """What the list says of somebody."""
    return page.get_by_role("row").filter(has_text=name).inner_text()


def test_two_guests_are_invited_and_one_becomes_a_member(
    stack: Stack, shop: Shop, open_page: OpenPage, page: Page
) -> None:
    """A5, A7, G1, G3, H1: picked by keyboard, a line from the store, the guest in Chinese on a phone, and what the console shows."""
    mei, kai, noa = (shop.somebody(name) for name in ("林美玲", "Kai", "Noa"))
    numbers = {who.name: shop.order(who, member=False)["number"] for who in (mei, kai, noa)}
    page.goto("/console/members")
    page.get_by_role("link", name="Invite customers").click()
    for name in (mei.name, kai.name):
        page.get_by_role("checkbox", name=f"Pick {name}").focus()
        page.keyboard.press("Space")
    expect(page.locator("[data-pick-count]")).to_have_text("2 guests picked")
    page.get_by_role("button", name="Invite", exact=True).press("Enter")
    page.get_by_label("A line from you").fill("下次來喝茶！<b>&")
    page.get_by_role("button", name="Send invitation now").dblclick()
    expect(page.get_by_text("2 invitations are on their way.")).to_be_visible()
    link = link_for(stack, mei.email, "/register?token=")
    [mail] = [mail for mail in messages(stack, mei.email) if "/register?token=" in mail["text"]]
    assert "下次來喝茶！<b>&" in mail["text"]
    until(lambda: shop.get("/invitations")["items"][0]["state"] == "sent", "the mails are sent")
    page.goto("/console/members/invite")
    assert "Can be invited again from" in row(page, "Kai")
    assert page.get_by_role("checkbox", name="Pick Kai").count() == 0

    guest = open_page(language="zh-Hant", size=PHONE, logged_in=False)
    guest.goto(link)
    looks_right(guest)
    expect(guest.get_by_role("button", name=mei.email)).to_be_visible()
    send(guest)
    guest.get_by_label("姓名").fill(mei.name)
    send(guest)
    expect(guest).to_have_url(re.compile("/account$"))
    until(lambda: guest.reload() and f"#{numbers[mei.name]}" in guest.content(), "the order has come along")
    page.goto("/console/members/invitations")
    assert "Has become a member" in row(page, mei.name)
    assert "Sent" in row(page, "Kai")
    expect(page.locator(".figures")).to_contain_text("Became members")

    late = open_page(logged_in=False)
    late.goto(link)
    send(late)
    expect(late).to_have_url(re.compile("/login$"))
    expect(late.locator("#identifier")).to_have_value(mei.email)


def test_all_of_a_list_are_invited_from_a_phone(stack: Stack, shop: Shop, open_page: OpenPage) -> None:
    """A5, G3, H1: in Chinese, without picking anybody; the run ends by itself, and says who was left out."""
    people = [shop.somebody(name) for name in ("林美玲", "陳大文", "黃志強")]
    for who in people:
        shop.order(who, member=False)
    page = open_page(language="zh-Hant", size=PHONE)
    page.goto("/console/members/invite")
    looks_right(page)
    page.get_by_label("選取本頁全部").check()
    expect(page.locator("[data-pick-count]")).to_have_text("已選 3 位顧客")
    page.get_by_label("選取本頁全部").uncheck()
    page.get_by_role("button", name="邀請", exact=True).click()
    looks_right(page)
    page.locator("#greeting").evaluate(
        "field => { field.removeAttribute('maxlength'); field.value = '茶'.repeat(301); }"
    )
    send(page)
    expect(page.locator("#greeting-error")).to_be_visible()
    page.get_by_label("您想說的一句話").fill("歡迎")
    send(page)
    expect(page).to_have_url(re.compile("/members/invite/runs/"))
    expect(page.get_by_text("3 封邀請正在寄出。")).to_be_visible()
    looks_right(page)
    for who in people:
        link_for(stack, who.email, "/register?token=")
    page.goto("/console/members/invitations")
    looks_right(page)
    page.goto("/console/members/invite")
    expect(page.locator(".pick-bar")).to_have_count(0)
    expect(page.get_by_role("checkbox")).to_have_count(0)
