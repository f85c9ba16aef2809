"""What the till asks and sends: the lookup, and sales that come any number of times (C8, E7, E8, H2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.auth import SESSION_COOKIE
from gateway.pos.sales import LONGEST_WAIT
from tests.component.gateway.conftest import LINES, Json, Store, key, problem
from tests.support.until import until


class Till:
    """A till of a store: the owner's cookie, and the form token that each write brings."""

    def __init__(self, store: Store) -> None:
        self.http = httpx.Client(
            base_url=f"{store.url}/pos/data",
            cookies={SESSION_COOKIE: store.session_token},
            headers={"Accept-Language": "en"},
            timeout=30,
            trust_env=False,
        )
        session = self.http.get("/session").raise_for_status().json()
        self.token, self.store_id = session["csrf_token"], session["store"]["store_id"]

    def find(self, query: str) -> list[Json]:
        """Whom the lookup finds."""
        return list(self.http.get("/members", params={"q": query}).raise_for_status().json()["items"])

    def sell(self, sale: Json, once: str) -> httpx.Response:
        """Sends a sale."""
        headers = {"Idempotency-Key": once, "X-CSRFToken": self.token}
        return self.http.post("/sales", json={"store_id": self.store_id} | sale, headers=headers)


@pytest.fixture(scope="module")
def tills(store: Store) -> Iterator[tuple[Till, Till]]:
    """Two tills of one store."""
    two = Till(store), Till(store)
    yield two
    for till in two:
        till.http.close()


def sale(**wishes: Any) -> Json:
    """A paid sale of two cups that was taken ten minutes ago."""
    taken_at = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    return {"receipt": "ABCD-0001", "taken_at": taken_at, "paid": True, "currency": "HKD", "lines": LINES} | wishes


def together(*calls: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """All at once."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(call) for call in calls]]


def test_a_member_is_found_by_any_writing_and_any_part_of_the_phone(store: Store, tills: tuple[Till, Till]) -> None:
    """C8, H2: with or without country code, spaces, full-width digits, the last digits alone; and then shown."""
    till, person = tills[0], store.person("關小芳")
    member = store.member(contact=person)
    digits = person["phone"].removeprefix("+852")
    wide = digits.translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    for typed in (digits, person["phone"], f"852{digits}", f"{digits[:4]} {digits[4:]}", wide, digits[2:], "關小"):
        assert member in [found["id"] for found in till.find(typed)], typed
    shown = till.http.get(f"/members/{member}").json()
    assert (shown["name"], shown["phone_tail"], shown["live"]) == ("關小芳", digits[-4:], True)
    assert [order["total_text"] for order in shown["orders"]] == ["HK$\u00a090.00"]
    assert till.find("") == []


def test_a_sale_at_the_counter_is_completed_at_the_time_when_it_was_taken(
    store: Store, tills: tuple[Till, Till]
) -> None:
    """E1, E8: it keeps its receipt number, and whoever is not known becomes a member by the phone."""
    wish = sale(contact={"phone": store.person()["phone"]}, add_as_member=True, payment_method="card")
    placed = tills[0].sell(wish, key())
    assert placed.status_code == 201, placed.text
    document = placed.json()
    assert (document["total_minor"], document["customer"]["status"]) == (9_000, "member")
    order = store.get(f"/orders/{document['order_id']}").json()
    assert (order["status"], order["channel"], order["external_reference"]) == ("completed", "pos", "ABCD-0001")
    for told in (order["placed_at"], order["paid_at"]):
        assert datetime.fromisoformat(told) == datetime.fromisoformat(wish["taken_at"])
    earned = lambda: tills[0].http.get(f"/orders/{document['order_id']}").json()["points"]  # noqa: E731
    until(lambda: (earned() or {})["earned"] == 90, "the receipt tells the points")


def test_nobody_in_particular_can_buy(tills: tuple[Till, Till], store: Store) -> None:
    """A1: the order has a guest who is called the same whatever language the till has."""
    document = tills[0].sell(sale(), key()).json()
    assert (document["buyer"], document["customer"]["status"]) == ("散客", "guest")


def test_the_same_key_again_and_again_from_two_tills_at_once_is_one_order(
    store: Store, tills: tuple[Till, Till]
) -> None:
    """E7, E8: three sales for one phone, each sent eight times in a muddle, are three orders of one member."""
    phone = store.person()["phone"]
    sales = [(sale(receipt=f"MANY-{n}", contact={"phone": phone}, add_as_member=True), key()) for n in range(3)]
    wishes = [(till, *each) for each in sales for till in tills for _ in range(4)]
    answers = together(*[lambda w=wish: w[0].sell(w[1], w[2]) for wish in wishes])  # type: ignore[misc]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["order_id"] for answer in answers}) == 3
    listed = store.get("/orders", query=phone).json()["items"]
    assert len(listed) == 3
    owners = lambda: {order["customer_id"] for order in store.get("/orders", query=phone).json()["items"]}  # noqa: E731
    until(lambda: len(owners()) == 1, "the three have one member")
    assert [found["guest"] for found in tills[0].find(phone)] == [False]


def test_of_two_tills_that_spend_the_same_points_one_succeeds(store: Store, tills: tuple[Till, Till]) -> None:
    """B2, B4: and the other is told so, to be mended by the same key."""
    member, once = store.member(), [key(), key()]
    until(lambda: store.get(f"/customers/{member}/points").json()["balance"] == 90, "the order earns")
    wish = sale(customer_id=member, redeem_points=80)
    answers = together(*[lambda n=n: tills[n].sell(wish, once[n]) for n in (0, 1)])  # type: ignore[misc]
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    lost = next(n for n in (0, 1) if answers[n].status_code == 409)
    assert problem(answers[lost])[1] == "points_insufficient"
    mended = tills[lost].sell(wish | {"redeem_points": 0}, once[lost])
    assert mended.status_code == 201, mended.text


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"taken_at": (datetime.now(UTC) - LONGEST_WAIT).isoformat()}, ("taken_at", "sale_too_old")),
        ({"taken_at": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}, ("placed_at", "date_in_future")),
        ({"contact": {"phone": "12"}}, ("contact.phone", "invalid_phone")),
        ({"lines": []}, ("lines", "empty_lines")),
        ({"level_discount_minor": 9_001}, ("level_discount_minor", "discount_too_large")),
        ({"colour": "red"}, ("colour", "unknown_field")),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_what_cannot_be_taken_is_told_by_field(tills: tuple[Till, Till], change: Json, fault: tuple[str, str]) -> None:
    """E8: a till's clock may be wrong, and a queue may be older than the keys that are remembered."""
    status, reason, faults = problem(tills[0].sell(sale(**change), key()))
    assert (status, reason, faults) == (422, "invalid_input", {fault})


def test_a_till_knows_nobody_of_another_store(new_store: Callable[[], Store], tills: tuple[Till, Till]) -> None:
    """S: neither by phone nor by id, and no receipt."""
    other = new_store()
    person = other.person()
    order = other.order(contact=person)
    member = order["customer"]["customer_id"]
    assert tills[0].find(person["phone"]) == []
    assert problem(tills[0].http.get(f"/members/{member}"))[:2] == (404, "customer_not_found")
    assert problem(tills[0].http.get(f"/orders/{order['order_id']}"))[:2] == (404, "order_not_found")
    assert problem(tills[0].sell(sale(customer_id=member), key()))[:2] == (404, "customer_not_found")
    elsewhere = sale(store_id="01990000-0000-7000-8000-000000000000")
    assert problem(tills[0].sell(elsewhere, key()))[:2] == (409, "sale_of_other_store")


def test_a_till_without_session_or_token_is_told_what_it_lacks(store: Store, tills: tuple[Till, Till]) -> None:
    """A sale is sent by script, so no answer leads to a page."""
    nobody = httpx.post(f"{store.url}/pos/data/sales", json=sale(), headers={"Idempotency-Key": key()}, trust_env=False)
    assert problem(nobody)[:2] == (400, "form_expired")
    with httpx.Client(base_url=store.url, trust_env=False) as http:
        assert problem(http.get("/pos/data/session"))[:2] == (401, "credential_refused")
        assert http.get("/pos/").status_code == 302
    tokenless = tills[0].http.post("/sales", json=sale(), headers={"Idempotency-Key": key()})
    assert problem(tokenless)[:2] == (400, "form_expired")


def test_the_worker_keeps_the_page_and_its_files_and_nothing_about_people(
    store: Store, tills: tuple[Till, Till]
) -> None:
    """E8: it reaches nothing outside /pos, and names every file that the page asks for."""
    with httpx.Client(base_url=store.url, cookies=tills[0].http.cookies, trust_env=False) as http:
        page, worker = http.get("/pos/"), http.get("/pos/sw.js")
        assert page.headers["X-Onefold-Shell"] in worker.text
        assert worker.headers["Cache-Control"] == "no-cache"
        assert "/pos/data" not in worker.text
        for address in page.text.split('"'):
            if address.endswith((".css", ".js", ".svg")):
                assert f'"{address}"' in worker.text
                assert http.get(address).status_code == 200
        for secret in ("Ada", store.email, "茶 Tea"):
            assert secret not in page.text
