"""The till: by keyboard alone, and through a line that is cut (C4, C8, C9, E7, E8, H2)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import DESKTOP, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_pages import inspect

pytestmark = pytest.mark.browser
TABLET = (1024, 768)


def open_till(page: Page) -> None:
    """Once its script is there and the worker keeps the page."""
    page.goto("/pos/")
    expect(page.locator("[data-ready]")).to_be_attached()
    page.evaluate("navigator.serviceWorker.ready.then(() => null)")


def press(page: Page, *keys: str) -> None:
    """Key after key: names of keys are pressed, everything else is typed."""
    for key in keys:
        if re.fullmatch(r"F\d+|Tab|Shift\+Tab|Enter|Escape|Space|Arrow\w+|Control\+Enter", key):
            page.keyboard.press(key)
        else:
            page.keyboard.type(key)


def tab_to(page: Page, target: Locator) -> None:
    """Tab after Tab until the target has the focus."""
    expect(target).to_be_visible()
    for _ in range(60):
        if target.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {target}")


def orders_of(shop: Shop, phone: str) -> list[dict[str, Any]]:
    """What the store has for a phone."""
    return list(shop.get(f"/orders?query={phone[1:]}")["items"])


def test_a_cashier_sells_edits_and_deletes_by_keyboard_alone(shop: Shop, open_page: OpenPage) -> None:
    """C4, C8, C9, H2: not one click; axe finds nothing in any of the dialogs."""
    who = shop.somebody("李小美")
    member = shop.member(who)
    until(lambda: shop.get(f"/customers/{member}")["points_balance"] == 123, "the first order earns")
    shop.post("/items", {"name_en": "Oolong", "name_zh": "烏龍茶", "sku": "T-1", "unit_price_minor": 2_800})
    page = open_page(size=TABLET)
    open_till(page)
    expect(page.get_by_role("combobox")).to_be_focused()
    press(page, who.phone_text[-4:])
    expect(page.get_by_role("option").first).to_contain_text("李小美")
    inspect(page, TABLET[0])
    press(page, "ArrowDown", "ArrowUp", "Enter")
    customer = page.get_by_role("region", name="Customer", exact=True)
    expect(customer).to_contain_text("123 Points")
    expect(customer.get_by_role("list", name="Last orders")).to_contain_text("HK$\u00a0123.45")

    press(page, "F4", "t-1", "Enter")  # as a scanner does
    press(page, "Tea pot", "Tab", "480", "Tab", "2", "Enter")
    lines = page.get_by_role("list", name="Items").get_by_role("listitem")
    expect(lines).to_have_count(2)
    press(page, "F8", "Tab", "Space")  # one more cup
    expect(lines.first).to_contain_text("HK$\u00a056.00")
    tab_to(page, page.get_by_role("button", name="Discount on Tea pot"))
    press(page, "Enter", "10%", "Enter")
    expect(lines.last).to_contain_text("HK$\u00a0864.00")
    tab_to(page, page.get_by_label("Use points"))
    press(page, "100", "Control+Enter")
    pay = page.get_by_role("dialog", name="Payment")
    expect(pay).to_contain_text("HK$\u00a0919.00")
    inspect(page, TABLET[0])
    press(page, "2000", "Enter")

    receipt = page.get_by_role("dialog", name="Receipt")
    expect(receipt).to_contain_text("Paid with points")
    expect(receipt).to_contain_text(re.compile(r"Order #\d+"))
    expect(receipt).to_contain_text("Earned with this sale")
    inspect(page, TABLET[0])
    sold = orders_of(shop, who.phone)[0]
    assert (sold["status"], sold["channel"], sold["points_redeemed"]) == ("completed", "pos", 100)
    assert sold["external_reference"] in receipt.inner_text()
    press(page, "Escape")
    expect(page.get_by_role("combobox")).to_be_focused()
    edit_and_delete(page, shop, member, who.phone)


def edit_and_delete(page: Page, shop: Shop, member: str, phone: str) -> None:
    """The console's forms in this window; what somebody else has changed meanwhile is shown beside what was typed."""
    press(page, phone[-4:])
    expect(page.get_by_role("option").first).to_contain_text("李小美")
    press(page, "Enter")
    button = page.get_by_role("button", name="Edit customer")
    tab_to(page, button)
    press(page, "Enter")
    sheet = page.locator("#sheet-dialog")
    expect(sheet.get_by_label("Name", exact=True)).to_be_focused()
    shop.patch(f"/customers/{member}", {"name": "Theirs", "expected_version": 0})
    page.keyboard.press("Control+A")
    press(page, "Mine", "Enter")
    expect(sheet.get_by_role("alert")).to_contain_text("Now: Theirs")
    inspect(page, TABLET[0])
    tab_to(page, sheet.get_by_role("button", name="Save"))
    press(page, "Enter")
    expect(page.get_by_text("The profile is saved.")).to_be_visible()
    expect(page.get_by_role("region", name="Customer", exact=True)).to_contain_text("Mine")
    tab_to(page, page.get_by_role("button", name="Delete member"))
    press(page, "Enter")
    expect(sheet.get_by_role("textbox")).to_be_focused()
    press(page, "1234", "Enter")
    expect(sheet).to_contain_text("This is not what the account has")
    tab_to(page, sheet.get_by_role("textbox"))
    page.keyboard.press("Control+A")
    press(page, phone, "Enter")
    expect(page.get_by_text("The account is deleted.")).to_be_visible()
    expect(page.get_by_role("combobox")).to_be_visible()
    assert shop.get(f"/customers/{member}")["status"] == "deleted"


def sell_to_phone(page: Page, phone: str, item: str) -> str:
    """A cash sale to a phone as typed; the receipt's number."""
    press(page, "F2", phone)
    expect(page.get_by_role("option").last).to_contain_text(phone)
    page.get_by_role("option").last.click()
    press(page, "F4", item, "Tab", "88", "Enter", "F9", "Enter")
    receipt = page.get_by_role("dialog", name="Receipt")
    expect(receipt).to_contain_text("Saved on this device")
    number = receipt.locator("[data-receipt-number]").inner_text()
    press(page, "Escape")
    return number


def test_three_sales_without_a_line_are_three_orders_of_one_member(shop: Shop, open_page: OpenPage) -> None:
    """E7, E8, C8, A4: the network is cut, the page reloaded meanwhile; two tabs send, and one answer is lost."""
    who = shop.somebody()
    page = open_page(size=TABLET)
    open_till(page)
    network = page.context
    network.set_offline(True)
    numbers = [sell_to_phone(page, who.phone_text, "Tea") for _ in range(2)]
    page.reload()
    expect(page.locator("[data-ready]")).to_be_attached()
    banner = page.locator("[data-banner]")
    expect(banner).to_contain_text("2 sales waiting.")
    numbers.append(sell_to_phone(page, who.phone_text, "Pot"))
    expect(banner).to_contain_text("No line. Sales go on. 3 sales waiting.")
    inspect(page, TABLET[0])
    assert orders_of(shop, who.phone) == []

    # The first answer never arrives: the till must ask again, by the same key.
    lost: list[str] = []

    def lose_one(route: Any) -> None:
        if not lost:
            lost.append(route.request.headers["idempotency-key"])
            route.fetch()
            route.abort()
        else:
            route.continue_()

    network.route("**/pos/data/sales", lose_one)
    network.set_offline(False)
    second = network.new_page()
    open_till(second)
    expect(banner).to_be_hidden()
    assert lost
    placed = orders_of(shop, who.phone)
    assert sorted(order["external_reference"] for order in placed) == sorted(numbers)
    until(lambda: len({order["customer_id"] for order in orders_of(shop, who.phone)}) == 1, "one member owns all three")
    assert len(shop.get(f"/customers?query={who.phone[1:]}")["items"]) == 1
    page.reload()
    expect(page.locator("[data-ready]")).to_be_attached()
    assert len(orders_of(shop, who.phone)) == 3


def test_a_refused_sale_is_mended_and_an_ended_session_only_waits(shop: Shop, open_page: OpenPage) -> None:
    """E8: nothing that was sold is lost by a 4xx or by a log-out."""
    who = shop.somebody()
    page = open_page(size=DESKTOP, language="zh-Hant")
    open_till(page)
    page.context.set_offline(True)
    press(page, "F2", "12345")
    page.get_by_role("option").last.click()
    press(page, "F4", "茶", "Tab", "88", "Enter", "F9", "Enter")
    expect(page.get_by_role("dialog", name="收據")).to_contain_text("已儲存在此裝置")
    press(page, "Escape")
    session = [cookie for cookie in page.context.cookies() if cookie["name"] == "onefold_session"]
    page.context.clear_cookies(name="onefold_session")
    page.context.set_offline(False)
    expect(page.locator("[data-banner]")).to_contain_text("請重新登入")
    page.context.add_cookies(session)  # type: ignore[arg-type]  # as they were read
    expect(page.locator("[data-banner]")).to_contain_text("1 單被拒絕")
    page.get_by_role("button", name="顯示").click()
    expect(page.get_by_role("dialog")).to_contain_text("這不是電話號碼")
    inspect(page, DESKTOP[0])
    page.get_by_role("button", name="修正").last.click()
    page.get_by_role("button", name="編輯").click()
    page.get_by_label("手機號碼").fill(who.phone_text)
    page.get_by_role("button", name="確定").click()
    press(page, "F9", "Enter")
    expect(page.get_by_role("dialog", name="收據")).to_contain_text(re.compile(r"訂單 #\d+"))
    expect(page.locator("[data-banner]")).to_be_hidden()
    assert len(orders_of(shop, who.phone)) == 1
