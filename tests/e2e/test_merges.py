"""Merging accounts, to the primary's page and the record: by keyboard, by mouse, without script (F1-F4, F7-F10, F13)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop

pytestmark = pytest.mark.browser
MERGED_SECONDS = 30_000
_LABEL = (
    "(e => e.getAttribute('aria-label') || e.labels?.[0]?.textContent || e.textContent || '')(document.activeElement)"
)


def tab_to(page: Page, name: str, key: str = "Tab", most: int = 90) -> None:
    """Goes on by Tab (or another key) until the element with this text or label has the focus."""
    for _ in range(most):
        page.keyboard.press(key)
        label = page.evaluate(_LABEL)
        if name in re.sub(r"\s+", " ", label):
            return
    raise AssertionError(f"the keyboard does not reach {name!r}")


def press(page: Page, name: str) -> None:
    """Tabs there and presses Enter."""
    tab_to(page, name)
    page.keyboard.press("Enter")


def balance(shop: Shop, *ids: str) -> int:
    return sum(int(shop.get(f"/customers/{each}/points")["balance"]) for each in ids)


def test_three_accounts_are_merged_by_keyboard_alone(shop: Shop, page: Page) -> None:
    """F1-F4, H1: pick two, add a third by search, award points, choose the primary, check, confirm, follow it to its end. No mouse, and
    nothing gets the focus but by keys.
    """
    people = [shop.somebody(name) for name in ("陳大文", "Chan Tai Man", "TM Chan")]
    ids = [shop.member(who) for who in people]
    press(page, "Members")
    page.wait_for_url("**/members")
    for name in ("Pick Chan Tai Man", "Pick 陳大文"):
        tab_to(page, name)
        page.keyboard.press("Space")
    expect(page.get_by_text("2 accounts picked")).to_be_visible()
    press(page, "Merge accounts")
    page.wait_for_url("**/merges/new?**")

    page.keyboard.press("/")
    page.keyboard.type("TM Ch")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.get_by_role("table", name="Picked accounts")).to_contain_text("TM Chan")
    press(page, "Next: points and primary account")
    page.wait_for_url("**/merges/new/points?**")

    # One radio of a group takes the focus; arrows lead through the group.
    tab_to(page, "Chan Tai Man")
    tab_to(page, "陳大文", "ArrowDown", most=3)
    tab_to(page, "Leave as they are")
    page.keyboard.press("ArrowRight")
    tab_to(page, "Points")
    page.keyboard.type("1,000")
    tab_to(page, "Last day of validity")
    page.keyboard.type("12312099")
    tab_to(page, "Description")
    page.keyboard.type("Sorry for the trouble")
    press(page, "Next: check")
    page.wait_for_url("**/merges/check?**")

    outcome = page.get_by_role("table", name="The account after the merge")
    expect(outcome.get_by_role("row", name=re.compile("^Phone"))).to_contain_text(people[0].phone_text)
    retired = page.get_by_role("table", name="Never usable again")
    for who in people[1:]:
        expect(retired).to_contain_text(who.email)
        expect(retired).to_contain_text(who.phone_text)
    before = balance(shop, *ids)
    expect(page.get_by_role("row", name=re.compile("^After the merge"))).to_contain_text(f"{before + 1_000:,}")
    tab_to(page, "How merging works")
    press(page, "Merge")
    expect(page.get_by_role("dialog", name="Merge these accounts for good?")).to_contain_text("cannot be undone")
    press(page, "Merge for good")

    expect(page.get_by_text("All done: the accounts are one.")).to_be_visible(timeout=MERGED_SECONDS)
    press(page, "Open the primary account")
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")
    assert page.url.endswith(ids[0])
    expect(page.locator(".figures div", has_text="Points").locator("dd")).to_have_text(f"{before + 1_000:,}")
    expect(page.get_by_role("table", name="Orders").get_by_role("row")).to_have_count(4)
    timeline = page.get_by_role("region", name="Merged into this account")
    expect(timeline.get_by_role("listitem")).to_have_count(2)
    page.goto(f"/console/members/{ids[1]}")
    expect(page).to_have_url(re.compile(ids[0]))
    expect(page.get_by_role("status").filter(has_text="was merged into this one")).to_be_visible()


def test_a_stale_plan_shows_what_changed_and_its_merge_leaves_a_record(shop: Shop, page: Page) -> None:
    """F8, by mouse: points given and a name changed after the check; nothing is merged, nothing typed is lost, and the new plan waits to
    be checked. F7: an unpaid order stays. F13: the record, reached from the timeline, says what came from whom, and prints.
    """
    kept, other = shop.somebody("Kept"), shop.somebody("Other")
    ids = [shop.member(kept), shop.member(other)]
    line = {"title": "Later", "quantity": 1, "unit_price_minor": 5_000}
    unpaid = shop.post("/orders", {"paid": False, "currency": "HKD", "lines": [line], "customer_id": ids[1]})
    page.goto(f"/console/merges/new/points?id={ids[0]}&change=deduct&points=5&description=Doubled")
    page.get_by_role("combobox").fill("Other")
    page.get_by_role("option").click()
    page.get_by_role("button", name="Next: points and primary account").click()
    expect(page.get_by_label("Description")).to_have_value("Doubled")
    page.get_by_role("radio", name=re.compile("Kept")).check()
    page.get_by_role("button", name="Next: check").click()
    expect(page.get_by_role("table", name="Orders").get_by_role("row", name=re.compile("Other"))).to_contain_text("1")

    before = balance(shop, ids[1])
    shop.post(f"/customers/{ids[1]}/points", {"points": 500, "expires_on": "2099-12-31", "note": "meanwhile"})
    version = shop.get(f"/customers/{ids[1]}")["version"]
    shop.patch(f"/customers/{ids[1]}", {"name": "Other Chan", "expected_version": version})
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("button", name="Merge for good").click()
    told = page.get_by_role("status").filter(has_text="changed after you checked")
    expect(told).to_contain_text(f"Points (Other Chan): {before:,} → {before + 500:,}")
    expect(told).to_contain_text("Name (Other Chan): Other → Other Chan")
    expect(page.get_by_text("Doubled")).to_be_visible()
    assert shop.get("/merges")["items"] == []
    page.get_by_role("button", name="Merge", exact=True).click()
    page.get_by_role("button", name="Merge for good").click()
    expect(page.get_by_text("All done: the accounts are one.")).to_be_visible(timeout=MERGED_SECONDS)

    page.get_by_role("link", name="Open the primary account").click()
    page.get_by_role("region", name="Timeline").get_by_role("link", name="Other Chan").click()
    record = page.get_by_role("table", name="What came from whom")
    expect(record.get_by_role("row", name=re.compile("^E-mail"))).to_contain_text(other.email)
    expect(record.get_by_role("row", name=re.compile("^Points"))).to_contain_text(f"{before + 500:,}")
    expect(page.get_by_role("table", name="Logins that ended")).to_contain_text(f"••• {other.phone[-2:]}")
    expect(page.get_by_role("table", name="Old ids")).to_contain_text(ids[1])
    expect(page.get_by_role("button", name="Print")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation").first).to_be_hidden()
    expect(record).to_be_visible()
    page.emulate_media(media="screen")

    page.goto(f"/console/orders/{unpaid['order_id']}")
    expect(page.locator(".note")).to_contain_text("moves to Kept when its payment is confirmed")
    page.get_by_role("link", name="Confirm payment").click()
    page.get_by_role("dialog").get_by_role("button", name="Confirm payment").click()
    expect(page.locator("h1 + .badge-of")).to_have_text("Paid")
    assert shop.get(f"/orders/{unpaid['order_id']}")["customer_id"] == ids[0]


def test_accounts_can_be_merged_without_script_on_a_phone_in_chinese(shop: Shop, open_page: OpenPage) -> None:
    """The same steps as links and forms; the progress page reloads itself."""
    first, second = shop.somebody("何家豪"), shop.somebody("何家豪")
    shop.member(first)
    shop.member(second)
    page = open_page(script=False, language="zh-Hant", size=PHONE)
    page.goto("/console/members?q=何家豪")
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="合併帳戶").click()
    page.get_by_role("button", name="下一步").click()
    page.get_by_role("button", name="下一步").click()
    expect(page.get_by_role("alert")).to_contain_text("請檢查標示的欄位")
    page.get_by_role("radio", name=re.compile(re.escape(first.phone_text))).check()
    page.get_by_role("button", name="下一步").click()
    # Two accounts of one name are told apart by their phones.
    expect(page.get_by_role("table", name="永久停用")).to_contain_text(f"何家豪 · {second.phone_text}")
    page.get_by_role("button", name="合併", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("確定要永久合併這些帳戶嗎？")
    page.get_by_role("button", name="確定合併").click()
    expect(page.get_by_text("合併完成")).to_be_visible(timeout=MERGED_SECONDS)
    expect(page.get_by_role("table", name="資料來源")).to_contain_text(second.email)


def test_one_account_six_and_more_points_than_there_are_cannot_go_on(shop: Shop, page: Page) -> None:
    """F1: 2 to 5 at a time. B4, F2: a balance is never negative; the form comes back with what was typed."""
    ids = [shop.member(shop.somebody()) for _ in range(6)]
    for count, sentence in ((1, "Pick 2 to 5 accounts"), (6, "At most 5 accounts")):
        page.goto("/console/merges/new?" + "&".join(f"id={each}" for each in ids[:count]))
        expect(page.get_by_text(sentence).first).to_be_visible()
        expect(page.get_by_role("button", name="Next: points and primary account")).to_have_count(0)
    page.goto(f"/console/merges/new/points?id={ids[0]}&id={ids[1]}&primary={ids[0]}")
    page.get_by_role("radio", name="Deduct").check()
    page.get_by_label("Points", exact=True).fill("999,999")
    page.get_by_role("button", name="Next: check").click()
    expect(page.get_by_role("alert")).to_contain_text("not enough points")
    expect(page.get_by_label("Points", exact=True)).to_have_value("999,999")


def test_many_groups_are_pasted_checked_and_merged_by_keyboard(shop: Shop, page: Page) -> None:
    """F1, F8: what cannot be is named with its column; the others are merged, and the file of those not merged uploads as it is."""
    a, b, c, d = (shop.member(shop.somebody()) for _ in range(4))
    page.goto("/console/merges/batches/new")
    page.get_by_label("Or paste the groups here").focus()
    page.keyboard.insert_text(f"{a}\t{b}\n{c}\t{d}\t\t\t\tmany\n")
    press(page, "Check the groups")
    row = page.get_by_role("row").filter(has_text="Group 2")
    expect(row).to_contain_text("points:", timeout=MERGED_SECONDS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download those not merged").press("Enter")
    page.get_by_role("button", name="Merge 1 group").press("Enter")
    expect(page.get_by_text("1 group merged.")).to_be_visible(timeout=MERGED_SECONDS)
    assert shop.get(f"/customers/{b}")["customer_id"] == a
    page.goto("/console/merges/batches/new")
    page.get_by_label("Choose the CSV file").set_input_files(download.value.path())
    page.get_by_role("button", name="Check the groups").click()
    expect(page.get_by_role("row").filter(has_text="Group 1")).to_contain_text("points:", timeout=MERGED_SECONDS)
    page.goto("/console/merges/batches")
    expect(page.get_by_role("table").get_by_role("row")).to_have_count(3)
