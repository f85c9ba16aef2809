"""Every page in both languages, on a desktop and on a phone: nothing for axe to find, nothing cut off, nothing untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import DESKTOP, PHONE, OpenPage
from tests.e2e.shop import Shop, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]
# What people and things are called, which no page translates.
NAMES = {
    "Onefold",
    "Google",
    "Facebook",
    "Kai",
    "Noa",
    "Lee",
    "English",
    "Tea",
    "House",
    "Ada",
    "Wong",
    "Chan",
    "Tai",
    "Man",
    "TM",
    "Sorry",
    "Oolong",
    "HK",
    "TW",
    "API",
    "Webhook",
    "https",
    "Webhooks",
    "Standard",
    "CSV",
    "PNG",
    "JPEG",
    "KB",
    "nobody",
    "demo",
    "tests",
    "vip",
}
_AXE = Axe().axe_script
# Only what is wrong is handed over: all that is right takes as long as the looking. With colours axe needs twice the time.
_VIOLATIONS = """contrast => axe.run(document, {resultTypes: ["violations"], rules: {"color-contrast": {enabled: contrast}}}).then(
  found => found.violations.flatMap(each => each.nodes.map(node => `${each.id}: ${node.html.slice(0, 200)}`)))"""
HOME = {"en": "Home", "zh-Hant": "首頁"}


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    """One store for all of these tests: they only look."""
    shop = Shop(stack)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def addresses(shop: Shop) -> list[str]:
    """Each page, with something on it."""
    people = [
        shop.somebody("陳大文"),
        shop.somebody("Chan Tai Man Chan Tai Man Chan Tai Man Chan Tai Man"),
        shop.somebody("TM"),
    ]
    ids = [shop.member(who) for who in people]
    paid = shop.get(f"/customers/{ids[0]}/orders")["items"][0]["order_id"]
    unpaid = shop.order(shop.somebody("黃志強"), paid=False)["order_id"]
    levels = [{"name": "銀", "threshold_minor": 0}, {"name": "金", "threshold_minor": 10**8, "discount_percent": 5}]
    rules = {"levels": levels, "version": 0}
    seen = shop.post("/levels/simulate", rules)["simulation_hash"]
    saving = shop.put("/levels", rules | {"simulation_hash": seen})["run_id"]
    until(lambda: shop.get(f"/levels/runs/{saving}")["finished_at"], "levels are saved")
    merged = [shop.member(shop.somebody("陳大文")) for _ in range(2)]
    plan = shop.post("/merges/plans", {"customer_ids": merged, "primary_id": merged[0]})
    run = shop.post("/merges", {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]})["merge_run_id"]
    until(lambda: shop.get(f"/merges/{run}")["finished_at"], f"merge {run} ends")
    for birthday in ("1980-05-12", "1980-12-05"):
        twin = shop.member(shop.somebody("林美玲"))
        version = shop.get(f"/customers/{twin}")["version"]
        shop.patch(f"/customers/{twin}", {"expected_version": version, "birthday": birthday})
    shop.post("/duplicates/scan", {})
    until(lambda: shop.get("/duplicates/scan")["state"] == "done", "a scan ends", 60)
    item = {"name_en": "Oolong", "name_zh": "烏龍茶", "sku": "101", "unit_price_minor": 4_500}
    item_id = shop.post("/items", item)["item_id"]
    saved = shop.post("/saved-filters", {"name": "陳", "filter": {"query": "陳"}})["filter_id"]
    picked = "&".join(f"id={each}" for each in ids)
    adjustment = "change=award&points=50&expires_on=2099-12-31&description=Sorry"
    many = shop.post("/order-runs/status", {"order_ids": [paid, unpaid], "status": "shipped"})["run_id"]
    until(lambda: shop.get(f"/order-runs/{many}")["finished_at"], "the run ends")
    pairs = [{"primary_id": ids[0], "other_ids": [other]} for other in ids[1:]]
    until(lambda: shop.get(f"/messages?customer_id={ids[0]}")["items"], "a mail is written")
    message = shop.get(f"/messages?customer_id={ids[0]}")["items"][0]["message_id"]
    guests = [shop.order(shop.somebody(name), member=False)["customer_id"] for name in ("林美玲", "Noa")]
    shop.post("/invitations", {"customer_ids": guests[:1]})
    batch = shop.post("/merge-batches", {"groups": pairs})["batch_id"]
    until(lambda: shop.get(f"/merge-batches/{batch}")["state"] == "checked", "the groups are checked")
    return [
        "/console/",
        f"/console/levels/runs/{saving}",
        "/console/orders",
        "/console/orders?q=000",
        "/console/orders?status=unpaid",
        f"/console/orders/{paid}",
        f"/console/orders/{unpaid}",
        f"/console/orders/{unpaid}/payment",
        f"/console/orders/{unpaid}/contact",
        f"/console/orders/{unpaid}/cancel",
        f"/console/orders/{paid}/step",
        f"/console/orders/{paid}/refund",
        "/console/orders?status=paid",
        f"/console/orders/bulk/status?id={paid}&q=陳&state=paid",
        "/console/orders/bulk/refund?total_from=x",
        "/console/orders/bulk",
        f"/console/orders/bulk/{many}",
        "/console/orders/new/paid",
        f"/console/orders/new/unpaid?customer={ids[0]}",
        *("/console/items", "/console/items?q=nobody", "/console/items?archived=1", "/console/items/new"),
        f"/console/items/{item_id}",
        f"/console/members?{picked}",
        "/console/members/overview",
        "/console/members?q=nobody&level=none&recent=1&cart=1&spend_from=1&spend_to=2&month=3&tags=vip&sort=name",
        "/console/members?spend_from=2&spend_to=1&month=13",
        "/console/members?kind=invitable",
        "/console/members/invite",
        "/console/members/invite?q=nobody",
        f"/console/members/invite/send?id={guests[1]}",
        "/console/members/invitations",
        "/console/members/filters",
        "/console/members/filters/new?q=%E9%99%B3&recent=1",
        f"/console/members/filters/{saved}",
        f"/console/members/{ids[0]}",
        f"/console/members/{ids[0]}/points",
        *(f"/console/members/{ids[0]}/{page}" for page in ("edit", "addresses/new", "phone", "timeline")),
        "/console/members/deletion",
        f"/console/members/{merged[0]}",
        f"/console/members/{merged[0]}/spend",
        f"/console/members/{ids[0]}/level",
        "/console/levels",
        "/console/levels/edit",
        "/console/points",
        "/console/payments",
        "/console/payments/settings",
        "/console/payments/settings/test",
        "/console/settings/roles",
        *("/console/settings/api-keys", "/console/settings/api-keys/new"),
        *(f"/console/settings/api-keys/{shop.api_key_id}/{what}" for what in ("rotate", "revoke")),
        *("/console/messages", "/console/messages?q=ab", "/console/messages?q=nobody&state=failed&channel=sms"),
        f"/console/messages/{message}",
        *("/console/settings/look", "/console/messages/templates", "/console/messages/templates?sample=login_code.add"),
        "/console/audit",
        f"/console/audit?q=nobody&subject={paid}&actor=operator&action=order.",
        "/console/audit?day_from=x",
        *("/console/merges", "/console/merges/rules"),
        *("/console/merges/duplicates", "/console/merges/duplicates?dismissed=1"),
        f"/console/members/{twin}",
        f"/console/merges/{run}",
        *("/console/merges/batches", "/console/merges/batches/new", f"/console/merges/batches/{batch}"),
        f"/console/merges/new?{picked}",
        f"/console/merges/new/points?{picked}",
        f"/console/merges/check?{picked}&primary={ids[0]}&{adjustment}",
        *("/console/staff", f"/console/staff/{shop.owner_id}", "/console/account", "/console/account/second-factor"),
        "/console/forgotten",
        "/pos/",
        "/s/confirm?token=ofc_something",
        *(f"/s/{shop.slug}/{page}" for page in ("login", "login/password", "register?token=ofl_something")),
        "/console/nothing-here",
        "/console/orders/00000000-0000-7000-8000-000000000000",
    ]


def untranslated(page: Page) -> set[str]:
    """English words on a Chinese page that are nobody's name, address or id."""

    def told(text: str) -> str:
        return re.sub(r"\S+@\S+|https?://\S+|\b[0-9a-f]{32}\b", "", text)

    text = told(page.locator("body").inner_text().replace("Ctrl Enter", ""))
    for written in page.locator("[translate=no]").all_inner_texts():
        text = text.replace(told(written), "", 1)
    return set(re.findall(r"[A-Za-z]{2,}", text)) - NAMES


def inspect(page: Page, width: int, *, contrast: bool = True) -> None:
    """Fails with what axe finds, or when the page is wider than the screen."""
    page.evaluate(_AXE)
    assert page.evaluate(_VIOLATIONS, contrast) == [], page.url
    fits(page, width)


def fits(page: Page, width: int) -> None:
    """Fails when the page is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{page.url} is wider than the screen"


@pytest.mark.parametrize(
    ("language", "size", "other"), [("en", DESKTOP, PHONE), ("zh-Hant", PHONE, DESKTOP)], ids=["en", "zh-Hant"]
)
def test_every_page_is_accessible_and_fits(
    addresses: list[str], open_page: OpenPage, language: str, size: tuple[int, int], other: tuple[int, int]
) -> None:
    """G3, H1: each page fits both screens in both languages; axe sees it once on each, and its colours once."""
    page = open_page(language=language, size=size)
    for address in addresses:
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", language)
        assert language == "en" or untranslated(page) == set(), address
        inspect(page, size[0], contrast=language == "en")
        page.set_viewport_size({"width": other[0], "height": other[1]})
        fits(page, other[0])
        page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto("/console/orders/new/paid")
    page.locator("[data-create-customer]").click()
    page.locator("[data-save]").click()
    expect(page.locator("[data-errors]")).to_be_focused()
    inspect(page, size[0])
    navigation = page.locator(".tabbar" if size == PHONE else ".side")
    navigation.get_by_role("link", name=HOME[language], exact=True).click()
    expect(page).to_have_url(re.compile(r"/console/$"))


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_dialogs_and_open_menus_are_accessible_too(shop: Shop, open_page: OpenPage, size: tuple[int, int]) -> None:
    """H1: what only shows after a click."""
    member = shop.member(shop.somebody(f"歐陽{size[0]}"))
    page = open_page(size=size)
    page.goto(f"/console/members/{member}")
    page.get_by_role("link", name="Award or deduct points").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    inspect(page, size[0])
    page.keyboard.press("Escape")
    page.locator("details.menu summary").click()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()
    inspect(page, size[0])
    page.goto("/console/orders/new/paid")
    page.get_by_role("combobox", name="Search members").fill(f"歐陽{size[0]}")
    expect(page.locator(".options [role=option]")).to_have_count(2)
    inspect(page, size[0])


def test_the_log_in_page_is_accessible_and_says_no_in_the_same_words_for_every_cause(
    shop: Shop, open_page: OpenPage
) -> None:
    """A8: nobody learns which of store, e-mail and password was right."""
    page = open_page(logged_in=False, size=PHONE)
    sentences = set()
    for store, email, password in (
        (shop.slug, shop.email, "wrong password"),
        (shop.slug, "nobody@mail.example", shop.password),
        ("no-such-store", shop.email, shop.password),
    ):
        page.goto("/console/login")
        page.locator("#store").fill(store)
        page.locator("#email").fill(email)
        page.locator("#password").fill(password)
        page.locator("main button[type=submit]").click()
        sentences.add(page.get_by_role("alert").inner_text())
        expect(page.locator("#email")).to_have_value(email)
        inspect(page, PHONE[0])
    assert len(sentences) == 1


def test_the_switch_changes_the_language_of_the_same_page(page: Page) -> None:
    """G3."""
    page.goto("/console/orders?status=unpaid")
    page.get_by_role("button", name="繁體中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("訂單")
    assert page.url.endswith("/console/orders?status=unpaid")
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Orders")


def test_pages_ask_to_log_in_and_then_go_on_where_one_was(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(logged_in=False)
    page.goto("/console/members?q=chan")
    expect(page).to_have_url(re.compile("/console/login"))
    page.locator("#store").fill(shop.slug)
    page.locator("#email").fill(shop.email)
    page.locator("#password").fill(shop.password)
    page.locator("main button[type=submit]").click()
    expect(page).to_have_url(re.compile(r"/console/members\?q=chan$"))
    page.locator("details.menu summary").click()
    page.get_by_role("button", name="Log out").click()
    expect(page).to_have_url(re.compile("/console/login$"))
    page.goto("/console/members")
    expect(page).to_have_url(re.compile("/console/login"))


def test_an_address_from_outside_does_not_lead_away_after_logging_in(shop: Shop, open_page: OpenPage) -> None:
    page = open_page(logged_in=False)
    page.goto("/console/login?next=https://evil.example/&store=" + shop.slug)
    page.locator("#email").fill(shop.email)
    page.locator("#password").fill(shop.password)
    page.locator("main button[type=submit]").click()
    expect(page).to_have_url(re.compile(re.escape(shop.url) + "/console/$"))
