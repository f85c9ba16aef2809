"""Orders entered by staff, from the form to the member's page (A4, E1, E2, E7)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop

pytestmark = pytest.mark.browser


def fill_line(page: Page, number: int, title: str, quantity: str, price: str) -> None:
    page.locator("[name$=-title]").nth(number).fill(title)
    page.locator("[name$=-quantity]").nth(number).fill(quantity)
    page.locator("[name$=-unit_price]").nth(number).fill(price)


def test_a_paid_order_with_a_new_customer_makes_a_member_who_must_confirm(shop: Shop, page: Page) -> None:
    """A4: "Add as a member" is on; the account stands with the order and the address waits for its confirmation."""
    who = shop.somebody("陳大文")
    page.get_by_role("link", name="Paid order", exact=True).click()
    page.get_by_role("combobox", name="Search members").fill("陳大文")
    page.get_by_role("option", name="Create new customer").click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("陳大文")
    page.get_by_label("Mobile phone").fill(who.phone_text)
    page.get_by_label("E-mail").fill(who.email)
    expect(page.get_by_role("switch", name="Add as a member")).to_be_checked()
    fill_line(page, 0, "Oolong 烏龍茶", "2", "1,028.50")
    page.get_by_role("button", name="Add line").click()
    fill_line(page, 1, "Tea pot", "1", "510")
    page.locator("[name$=-discount]").nth(1).fill("30")
    page.locator("summary", has_text="Ship to").press("Enter")
    page.get_by_label("Recipient").fill("陳太")
    page.get_by_label("Street, building, floor").fill("1 Nathan Road\n8/F")
    page.get_by_label("Discount", exact=True).fill("37")
    expect(page.locator("[data-sum=total]")).to_have_text("HK$\u00a02,500.00")
    page.get_by_role("button", name="Save paid order").click()

    expect(page.get_by_role("status").filter(has_text="is now a member")).to_contain_text("陳大文 is now a member")
    expect(page.locator(".sums .total")).to_contain_text("HK$\u00a02,500.00")
    expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
    expect(page.get_by_role("region", name="Contact on this order")).to_contain_text("陳太, 1 Nathan Road, 8/F")
    page.get_by_role("link", name="Edit Contact on this order").click()
    page.get_by_label("District").fill("Tsim Sha Tsui")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("region", name="Contact on this order")).to_contain_text(
        "陳太, 1 Nathan Road, 8/F, Tsim Sha Tsui"
    )
    page.locator("section", has_text="Customer").get_by_role("link", name="陳大文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")
    logins = page.get_by_role("region", name="Online store")
    expect(logins).to_contain_text(who.email)
    expect(logins).to_contain_text("Awaiting confirmation")
    expect(page.get_by_role("region", name="Orders")).to_contain_text("HK$\u00a02,500.00")
    expect(page.get_by_role("region", name="Profile")).to_contain_text(who.phone_text)


def test_a_double_click_makes_one_order(shop: Shop, open_page: OpenPage) -> None:
    """E7: the key was minted with the form, so sending the form twice is one write. Without script nothing else stops it."""
    who = shop.somebody()
    page = open_page(script=False)
    page.goto("/console/orders/new/paid")
    page.get_by_role("button", name="Create new customer").click()
    page.get_by_label("Name", exact=True).fill(who.name)
    page.get_by_label("Mobile phone").fill(who.phone)
    fill_line(page, 0, "Tea", "1", "10")
    sent = {name: page.locator(f"main [name={name}]").input_value() for name in ("csrf_token", "idempotency_key")}
    form = sent | {
        "customer_mode": "new",
        "name": who.name,
        "phone": who.phone,
        "payment_method": "1",
        "action": "save",
    }
    form |= {"lines-0-title": "Tea", "lines-0-quantity": "1", "lines-0-unit_price": "10"}
    first, second = (page.request.post("/console/orders/new/paid", form=form) for _ in range(2))
    assert first.url == second.url
    assert re.search(r"/console/orders/[0-9a-f-]{36}$", first.url)
    assert len(shop.get("/orders")["items"]) == 1


def test_an_unpaid_order_for_a_member_found_by_keyboard_is_paid_later(shop: Shop, page: Page) -> None:
    """A4, E1: search, arrow, Enter; the payment is confirmed in a dialog."""
    who = shop.somebody("李小美")
    shop.member(who)
    page.goto("/console/orders/new/unpaid")
    page.locator("body").press("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type(who.phone_text[:7])
    expect(page.get_by_role("option").first).to_contain_text("李小美")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("[data-face=picked]")).to_contain_text("李小美")
    page.get_by_role("textbox", name="Item", exact=True).focus()
    page.keyboard.type("Tea set")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("88.80")
    page.keyboard.press("Control+Enter")

    expect(page.locator("h1 + .badge-of")).to_have_text("Unpaid")
    page.get_by_role("link", name="Confirm payment").click()
    dialog = page.get_by_role("dialog", name="Confirm payment")
    expect(dialog).to_contain_text("HK$\u00a088.80")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("link", name="Confirm payment").press("Enter")
    dialog.get_by_label("Paid by").select_option("Bank transfer")
    dialog.get_by_label("Payment reference").fill("FPS 123")
    dialog.get_by_role("button", name="Confirm payment").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
    expect(page.get_by_role("region", name="Payment")).to_contain_text("FPS 123")
    expect(page.get_by_role("region", name="History")).to_contain_text("Payment confirmed")


def test_what_is_wrong_comes_back_by_field_with_everything_typed_kept(shop: Shop, page: Page) -> None:
    """A landline, a bad address, a negative price: each by its field, nothing written."""
    page.goto("/console/orders/new/paid")
    page.get_by_role("button", name="Create new customer").click()
    page.get_by_label("Name", exact=True).fill("Chan")
    page.get_by_label("Mobile phone").fill("2123 4567")
    page.get_by_label("E-mail").fill("not an address")
    fill_line(page, 0, "Tea", "1.5", "-3")
    page.get_by_label("Shipping").fill("1,23")
    page.get_by_role("button", name="Save paid order").click()
    expect(page.get_by_role("alert")).to_contain_text("Please check the marked fields")
    for label, typed, sentence in (
        ("Mobile phone", "2123 4567", "This is not a mobile number"),
        ("E-mail", "not an address", "This is not an e-mail address"),
        ("Quantity", "1.5", "Write a whole number"),
        ("Unit price", "-3", "The amount cannot be below zero"),
        ("Shipping", "1,23", "This is not an amount"),
    ):
        field = page.get_by_label(label, exact=True).first
        expect(field).to_have_value(typed)
        expect(field).to_have_accessible_description(re.compile(sentence))
    assert shop.get("/orders")["items"] == []


def test_an_order_of_nothing_for_nobody_says_what_is_missing(shop: Shop, page: Page) -> None:
    page.goto("/console/orders/new/paid")
    page.get_by_role("button", name="Save paid order").click()
    expect(page.get_by_role("region", name="Customer")).to_contain_text("Pick a customer from the search")
    expect(page.get_by_role("region", name="Items")).to_contain_text("The order has no items")
    assert shop.get("/orders")["items"] == []


def test_an_order_can_be_entered_without_script(shop: Shop, open_page: OpenPage) -> None:
    """Each button is a step that keeps what was typed."""
    who = shop.somebody("王美玲")
    shop.member(who)
    page = open_page(script=False, language="zh-Hant", size=PHONE)
    page.goto("/console/orders/new/unpaid")
    fill_line(page, 0, "茶具", "2", "50")
    page.get_by_role("combobox").fill("王美玲")
    page.locator("[data-without-script]").click()
    page.get_by_role("button", name=re.compile("王美玲")).click()
    expect(page.locator("[data-face=picked]")).to_contain_text("王美玲")
    expect(page.locator("[name$=-title]").first).to_have_value("茶具")
    page.get_by_role("button", name="儲存未付款訂單").last.click()
    expect(page.locator("h1 + .badge-of")).to_have_text("未付款")
    page.get_by_role("link", name="確認收款").click()
    page.get_by_role("button", name="確認收款").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("已付款")


def test_whoever_edits_a_contact_late_sees_both_and_loses_nothing(shop: Shop, open_page: OpenPage) -> None:
    """E2: the account stays as it is; the other's change is shown before it is replaced."""
    who = shop.somebody("Original")
    order = shop.order(who)
    mine, theirs = open_page(), open_page()
    for page in (mine, theirs):
        page.goto(f"/console/orders/{order['order_id']}/contact")
    theirs.get_by_label("Name").fill("Theirs")
    theirs.get_by_role("button", name="Save").click()
    expect(theirs.get_by_role("region", name="Contact on this order")).to_contain_text("Theirs")
    mine.get_by_label("Name").fill("Mine")
    mine.get_by_role("button", name="Save").click()
    expect(mine.locator(".note.warn")).to_contain_text("Name: Theirs")
    expect(mine.get_by_label("Name")).to_have_value("Mine")
    mine.get_by_role("button", name="Save").click()
    expect(mine.get_by_role("region", name="Contact on this order")).to_contain_text("Mine")
    assert shop.get(f"/customers/{order['customer_id']}")["name"] == "Original"


def test_orders_are_found_by_status_and_by_number_phone_or_name(shop: Shop, page: Page) -> None:
    paid, unpaid = shop.somebody("Paid Person"), shop.somebody("Unpaid Person")
    numbers = [shop.order(paid)["number"], shop.order(unpaid, paid=False, member=True)["number"]]
    page.goto("/console/orders")
    page.get_by_role("navigation", name="Status").get_by_role("link", name="Unpaid").click()
    expect(page.get_by_role("table", name="Orders")).to_contain_text("Unpaid Person")
    expect(page.get_by_role("table", name="Orders").get_by_role("row")).to_have_count(2)
    for query in (str(numbers[0]), paid.phone[4:], "Paid Pers"):
        page.goto(f"/console/orders?q={query}")
        expect(page.get_by_role("table", name="Orders")).to_contain_text(f"#{numbers[0]}")
    page.goto("/console/orders?q=nobody-at-all")
    expect(page.get_by_role("heading", name="Nothing found for “nobody-at-all”")).to_be_visible()


def test_an_order_is_shipped_refunded_in_part_and_another_one_cancelled(shop: Shop, page: Page) -> None:
    """E1, B5: each on a page of its own; what is wrong is told beside its field and nothing is lost."""
    member = shop.member(shop.somebody("李小美"))
    paid = shop.get(f"/customers/{member}/orders")["items"][0]["order_id"]
    page.goto(f"/console/orders/{paid}")
    page.get_by_role("link", name="Change status").click()
    page.get_by_label("New status").select_option("Shipped")
    page.get_by_label("Tracking number").fill("SF 123")
    page.get_by_role("button", name="Save status").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("Shipped")
    page.get_by_role("link", name="Refund").click()
    page.get_by_label("Amount").fill("99999999")
    page.get_by_label("Reason").fill("one cup broken")
    page.get_by_role("button", name="Note the refund").click()
    expect(page.locator(".invalid-feedback")).to_contain_text("more than was paid")
    page.get_by_label("Amount").fill("12.50")
    page.get_by_role("button", name="Note the refund").click()
    expect(page.get_by_role("region", name="Payment")).to_contain_text("one cup broken")
    expect(page.locator("main")).to_contain_text("Partly refunded")
    expect(page.get_by_role("region", name="History")).to_contain_text("SF 123")

    unpaid = shop.order(shop.somebody(), paid=False)["order_id"]
    page.goto(f"/console/orders/{unpaid}")
    page.get_by_role("link", name="Cancel order").click()
    page.get_by_label("Reason").fill("no answer")
    page.get_by_role("button", name="Cancel order").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("Cancelled")
    expect(page.get_by_role("link", name="Confirm payment")).to_have_count(0)


def test_a_line_that_is_called_as_an_item_brings_its_price_until_somebody_types_another(shop: Shop, page: Page) -> None:
    """A4: items are offered, free lines stay possible."""
    item = shop.post("/items", {"name_en": "Oolong tea", "sku": "OOL-1", "unit_price_minor": 4_500})
    page.goto("/console/orders/new/paid")
    page.get_by_role("button", name="Create new customer").click()
    page.get_by_label("Name", exact=True).fill("Chan")
    page.get_by_label("Mobile phone").first.fill(shop.somebody().phone_text)
    page.locator("[name$=-title]").first.fill("Oolong tea")
    expect(page.locator("[name$=-unit_price]").first).to_have_value("45.00")
    page.locator("[name$=-title]").first.fill("Oolong tea, a gift")
    expect(page.locator("[name$=-unit_price]").first).to_have_value("")
    page.locator("[name$=-unit_price]").first.fill("1")
    page.locator("[name$=-title]").first.fill("Oolong tea")
    expect(page.locator("[name$=-unit_price]").first).to_have_value("1")
    page.get_by_role("button", name="Save paid order").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
    order = shop.get(f"/orders/{page.url.rpartition('/')[2]}")
    assert [(line["item_id"], line["total_minor"]) for line in order["lines"]] == [(item["item_id"], 100)]
