"""The shop window, cart and checkout as a browser without script uses them (A1, A2, A7, A8, C6, E4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store, key
from tests.component.gateway.customer import Customer, customer
from tests.component.gateway.test_carts import item, unchecked
from tests.support.until import until

WHERE = {"ship_to-lines": "1 Nathan Road", "ship_to-city": "Hong Kong", "ship_to-country": "HK"}


@pytest.fixture(scope="module")
def own(new_store: Callable[[], Store]) -> Store:
    """A store of which only these tests know."""
    return new_store()


def put(browser: Customer, item_id: str, quantity: str = "1") -> httpx.Response:
    return browser.send("", "cart/items", item_id=item_id, quantity=quantity)


def place(browser: Customer, **fields: str) -> httpx.Response:
    return browser.send("checkout", **(WHERE | fields))


def contact(store: Store) -> dict[str, str]:
    return {name: str(value) for name, value in store.person("Visitor").items()}


def order_at(response: httpx.Response, store: Store) -> dict[str, Any]:
    """The newest order, if the response leads to the page of one."""
    assert response.status_code == 302, response.text
    assert re.search(rf"/s/{store.slug}/orders/[\w-]+$", response.headers["Location"])
    newest = store.get("/orders").json()["items"][0]["order_id"]
    return dict(store.get(f"/orders/{newest}").json())


def test_a_guest_orders_from_the_window_and_a_second_click_finds_the_same_order(stack: Stack, own: Store) -> None:
    """A1, E7: a guest record; the cookie keeps the cart, and the way back leads to the order that stands."""
    tea, who = item(own), contact(own)
    with customer(stack, own) as browser:
        assert "Oolong tea" in browser.get("").text
        put(browser, tea, "2")
        assert 'value="2"' in browser.get("cart").text
        form = dict(re.findall(r'name="([\w-]+)"[^>]* value="([^"]*)"', browser.get("checkout").text))
        form |= who | WHERE
        placed = [browser.http.post(f"/s/{own.slug}/checkout", data=form) for _ in range(2)]
        placed.append(browser.http.post(f"/s/{own.slug}/checkout", data=form | {"idempotency_key": key()}))
        order = order_at(placed[0], own)
        assert len({each.headers["Location"][:60] for each in placed}) == 1
        assert (order["total_minor"], order["status"], order["channel"]) == (9_000, "unpaid", "storefront")
        assert (order["contact"]["phone"], order["shipping_address"]["lines"]) == (who["phone"], ["1 Nathan Road"])
        assert len(own.get("/orders", query=who["email"]).json()["items"]) == 1
        assert browser.get("checkout").headers["Location"] == f"/s/{own.slug}/cart"
        assert "The cart is empty" in browser.get("cart").text
        page = browser.http.get(placed[0].headers["Location"])
        assert "HK$\u00a090.00" in page.text
    until(lambda: own.get(f"/customers/{order['customer_id']}").json().get("status") == "guest", "a guest is known")


def test_whose_an_identifier_is_changes_nothing_that_a_guest_sees(stack: Stack, own: Store) -> None:
    """A7, A8: the member's account stays as it was."""
    known = own.person("Member")
    member, tea, answers = own.member(contact=known), item(own), []
    for who in (known | {"name": "Stranger"}, own.person("Stranger")):
        with customer(stack, own) as browser:
            put(browser, tea)
            placed = place(browser, **who)
            order = order_at(placed, own)
            page = browser.http.get(placed.headers["Location"]).text
            for text in (
                str(order["number"]),
                who["email"],
                order["contact"]["phone"][4:8],
                order["contact"]["phone"][8:],
            ):
                page = page.replace(text, "")
            answers.append(re.sub(r"[\w.-]{40,}|\d\d:\d\d", "", page))
            assert order["customer_id"] != member
    assert answers[0] == answers[1]
    assert own.get(f"/customers/{member}").json()["orders_count"] == 1


def test_a_visitors_cart_goes_along_when_somebody_logs_in_and_the_first_order_fills_the_account(
    stack: Stack, own: Store
) -> None:
    """A2, C3, C6, E4."""
    who = own.person("Wong") | {"phone": ""}
    member, tea = own.member(contact=who), item(own)
    with customer(stack, own) as browser:
        put(browser, tea, "3")
        browser.log_in(str(who["email"]))
        until(lambda: member in unchecked(own), "the cart is the member's")
        assert not browser.http.cookies.get(f"onefold_cart_{own.slug}")
        page = browser.get("checkout").text
        assert 'value="Wong"' in page
        assert str(who["email"]) in page
        order = order_at(place(browser, name="Wong", email=str(who["email"]), phone="9012 3456"), own)
        assert (order["customer_id"], order["total_minor"]) == (member, 13_500)
        until(lambda: member not in unchecked(own), "the cart is checked out")
        account = own.get(f"/customers/{member}").json()
        assert [each["lines"] for each in account["addresses"]] == [["1 Nathan Road"]]
        assert account["phone"] == "+85290123456"
        # The next time the account's address is offered, and is taken without typing.
        put(browser, tea)
        assert "1 Nathan Road, Hong Kong, HK" in browser.get("checkout").text
        form = {"name": "Wong", "email": str(who["email"]), "address": "0", "ship_to-lines": ""}
        assert order_at(place(browser, **form), own)["shipping_address"]["city"] == "Hong Kong"


def test_a_member_pays_with_points_and_is_told_when_there_are_too_few(stack: Stack, own: Store) -> None:
    """B2."""
    who = own.person("Lee")
    member, tea = own.member(contact=who), item(own)
    until(lambda: own.get(f"/customers/{member}/points").json()["balance"] == 90, "the order earns")
    with customer(stack, own) as browser:
        browser.log_in(str(who["email"]))
        put(browser, tea)
        form = {"name": "Lee", "email": str(who["email"])}
        refused = place(browser, **form, redeem_points="91")
        assert (refused.status_code, "There are not enough points" in refused.text) == (409, True)
        assert order_at(place(browser, **form, redeem_points="90"), own)["total_minor"] == 4_410


def test_what_has_changed_is_shown_before_anything_is_ordered(stack: Stack, own: Store) -> None:
    """E4: price from the list, never from the form; an archived item must go."""
    tea, pot, who = item(own), item(own, 48_000), contact(own)
    with customer(stack, own) as browser:
        put(browser, tea)
        put(browser, pot)
        page = browser.get("checkout").text
        seen = dict(re.findall(r'name="([\w-]+)"[^>]* value="([^"]*)"', page)) | who | WHERE
        cheap = seen | {"seen": seen["seen"].replace(":48000", ":1")}
        assert browser.http.post(f"/s/{own.slug}/checkout", data=cheap).status_code == 422
        assert browser.http.post(f"/s/{own.slug}/checkout", data=seen | {"seen": "nothing"}).status_code == 422
        change = {"name_en": "Oolong tea", "unit_price_minor": 5_000}
        own.http.put(f"/items/{tea}", json=change, headers={"Idempotency-Key": key()})
        refused = browser.http.post(f"/s/{own.slug}/checkout", data=seen)
        assert refused.status_code == 422
        assert "The price was HK$\u00a045.00 and is HK$\u00a050.00 now" in refused.text
        assert who["email"] in refused.text
        own.http.put(f"/items/{pot}", json=change | {"archived": True}, headers={"Idempotency-Key": key()})
        cart = browser.get("cart").text
        assert "Not sold any more" in cart
        assert "It was HK$\u00a045.00 when you put it in" in cart
        assert "/checkout" not in cart
        browser.send("cart", remove=pot)
        assert order_at(place(browser, **who), own)["total_minor"] == 5_000


def test_bad_input_at_the_window_is_told_and_changes_nothing(
    stack: Stack, own: Store, new_store: Callable[[], Store]
) -> None:
    """Quantities, another store's items, texts of a megabyte, names in any script."""
    tea, foreign = item(own), item(new_store())
    with customer(stack, own) as browser:
        for item_id, quantity in ((tea, "-1"), (tea, "1000"), (tea, "1e9"), (tea, "many"), (foreign, "1"), ("x", "1")):
            put(browser, item_id, quantity)
            assert 'class="note bad"' in browser.get("").text
        assert "The cart is empty" in browser.get("cart").text
        put(browser, tea)
        browser.send("cart", **{f"q-{tea}": "0"})
        assert "The cart is empty" in browser.get("cart").text
        put(browser, tea)
        faulty = place(browser, name="", email="a@", phone="2123 4567", **{"ship_to-lines": " "})
        assert faulty.status_code == 422
        assert faulty.text.count("invalid-feedback") == 4
        assert place(browser, name="x" * 300_000, email="a@mail.example").status_code == 422
        who = contact(own) | {"name": "محمد 🍵 歐陽"}
        assert order_at(place(browser, **who), own)["contact"]["name"] == who["name"]
    with customer(stack, own) as stranger:
        put(stranger, tea)
        foreign_cart = place(stranger, **contact(own), cart_id="01990000-0000-7000-8000-000000000000")
        assert foreign_cart.headers["Location"] == f"/s/{own.slug}/cart"
        # The server hangs up on what is far too much, so this comes last.
        assert place(stranger, name="x" * 1_100_000, email="a@mail.example").status_code == 413


def test_the_members_page_shows_the_cart_that_was_left(own: Store) -> None:
    """C3."""
    member, tea = own.member(), item(own)
    own.post("/carts", {"customer_id": member, "lines": [{"item_id": tea, "quantity": 2}]})
    cookies = {"onefold_session": own.session_token, "onefold_language": "en"}
    with httpx.Client(base_url=own.url, cookies=cookies, trust_env=False, timeout=30) as console:
        panel = (
            console.get(f"/console/members/{member}").text.partition('id="carts-title"')[2].partition("</section>")[0]
        )
    assert "Oolong tea" in panel
    assert "HK$\u00a090.00" in panel
