"""Every door, with the id of an account that was merged into one that was merged since (F10): A → B → C, asked for A."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import httpx
import pytest

from deploy.local import till as provider
from deploy.local.provision import run_sync
from deploy.local.stack import Stack
from gateway.auth import SESSION_COOKIE
from services.common.tokens import ServiceClaims
from tests.component.gateway.conftest import LINES, Json, Store, key, problem
from tests.component.gateway.customer import Customer, customer
from tests.component.gateway.test_imports import HEADER, row_of, upload
from tests.component.gateway.test_merge_batches import reached
from tests.component.gateway.test_till import Till
from tests.support.messages import messages
from tests.support.until import until


@dataclass(frozen=True)
class Scene:
    """`old` is A, `live` is C. `browser` was logged in as A when it was merged; `unpaid` are orders of A from before."""

    stack: Stack
    store: Store
    old: str
    live: str
    person: Json
    browser: Customer
    paid: Json
    unpaid: list[Json]
    links: dict[str, str]
    console: httpx.Client

    def visit(self, address: str) -> httpx.Response:
        """As somebody with the link alone."""
        return httpx.get(address, trust_env=False, timeout=30)

    def owner_of(self, order: Json) -> str:
        """Whose an order is now."""
        return str(self.store.get(f"/orders/{order['order_id']}").json()["customer_id"])


@pytest.fixture(scope="module")
def scene(stack: Stack, new_store: Callable[[], Store]) -> Iterator[Scene]:
    store = new_store()
    store_id = store.get("/me").json()["store"]["store_id"]
    provider.set_up(stack.running, ServiceClaims("staff:test", "owner", store_id))
    person = store.person()
    paid = store.order(contact=person)
    old, middle, live = paid["customer"]["customer_id"], store.member(), store.member()
    until(lambda: store.get(f"/customers/{old}").json().get("orders_count"), "the order is counted")
    unpaid = [store.order(paid=False, customer_id=old, contact=None) for _ in range(3)]
    links = {o["order_id"]: store.get(f"/orders/{o['order_id']}/payment-link").json()["url"] for o in (paid, *unpaid)}
    with ExitStack() as open_:
        browser = open_.enter_context(customer(stack, store))
        until(lambda: store.get(f"/customers/{old}/login-methods").json()["items"], "the login methods appear")
        browser.log_in(person["email"])
        assert store.merge(middle, old)["state"] == store.merge(live, middle)["state"] == "completed"
        cookies = {SESSION_COOKIE: store.session_token, "onefold_language": "en"}
        console = httpx.Client(base_url=store.url, cookies=cookies, timeout=30, trust_env=False)
        open_.enter_context(console)
        yield Scene(stack, store, old, live, person, browser, paid, unpaid, links, console)


def console_page(scene: Scene) -> None:
    """Leads to the survivor, with a word about it; the pages below it are the survivor's."""
    answer = scene.console.get(f"/console/members/{scene.old}")
    assert answer.headers["Location"] == f"/console/members/{scene.live}"
    assert "was merged into this one" in scene.console.get(answer.headers["Location"]).text
    for page in ("edit", "timeline", "spend", "level", "points", "addresses/new"):
        shown = scene.console.get(f"/console/members/{scene.old}/{page}", follow_redirects=True)
        assert shown.status_code == 200, page
        assert scene.live in f"{shown.url} {shown.text}", page


def reading(scene: Scene) -> None:
    found = scene.store.get(f"/customers/{scene.old}").json()
    assert (found["customer_id"], found["requested_id"], found["orders_count"]) == (scene.live, scene.old, 3)
    for part in ("points", "notes", "consents", "level", "login-methods", "spend"):
        assert scene.store.get(f"/customers/{scene.old}/{part}").json()["customer_id"] == scene.live, part
    assert scene.store.get(f"/members/{scene.old}/benefits", amount_minor=100).json()["customer_id"] == scene.live
    assert scene.store.get(f"/customers/{scene.old}/timeline").json()["items"]


def writing(scene: Scene) -> None:
    """Points, notes, consents, level, tags and profile: done to the survivor, whose id is in the answer."""
    path, store = f"/customers/{scene.old}", scene.store
    version = store.get(path).json()["version"]
    award = {"points": 7, "expires_on": "2099-12-31"}
    answers = [
        store.post(f"{path}/points", award),
        store.post(f"{path}/notes", {"text": "asked by an old id"}),
        *(
            store.http.request(method, f"{path}{part}", json=body, headers={"Idempotency-Key": key()})
            for method, part, body in (
                ("PUT", "/consents", {"consents": [{"kind": "sms_marketing", "given": True}]}),
                ("PUT", "/level", {"level_id": None, "reason": "asked by an old id"}),
                ("PATCH", "", {"expected_version": version + 1, "name": "何家豪"}),
                ("PUT", "/tags", {"expected_version": version + 2, "tags": ["old id"]}),
            )
        ),
    ]
    assert {answer.json().get("customer_id", answer.text) for answer in answers} == {scene.live}
    found = store.get(f"/customers/{scene.live}").json()
    assert (found["name"], found["tags"]) == ("何家豪", ["old id"])


def removing(scene: Scene) -> None:
    """Of the survivor that would be another decision."""
    refused = scene.store.http.request(
        "DELETE",
        f"/customers/{scene.old}",
        json={"confirmation": scene.person["phone"]},
        headers={"Idempotency-Key": key()},
    )
    assert problem(refused)[:2] == (409, "merged_away")


def ordering(scene: Scene) -> None:
    """An order, a cart and a sale for the old id are the survivor's."""
    placed = scene.store.post(
        "/orders", {"paid": True, "currency": "HKD", "lines": LINES, "customer_id": scene.old}
    ).json()
    assert (placed["customer_id"], placed["customer"]["customer_id"]) == (scene.live, scene.live)
    assert scene.store.post("/carts", {"customer_id": scene.old, "lines": []}).json()["customer_id"] == scene.live
    visitor = scene.store.post("/carts", {"lines": []}).json()["cart_id"]
    claimed = scene.store.post(f"/carts/{visitor}/owner", {"customer_id": scene.old})
    assert claimed.json()["customer_id"] == scene.live


def lists_of_orders(scene: Scene) -> None:
    """The survivor's orders, and those of the old account that are still unpaid (F7)."""
    asked = {"customer_id": scene.old, "page_size": "100"}
    listed = {order["order_id"] for order in scene.store.get("/orders", **asked).json()["items"]}
    assert scene.paid["order_id"] in listed
    assert scene.unpaid[2]["order_id"] in listed
    file = scene.store.get("/orders/export.csv", customer_id=scene.old).text
    assert f'"{scene.paid["number"]}"' in file
    page = scene.console.get("/console/orders", params={"member": scene.old}).text
    assert f"#{scene.paid['number']}" in page
    mine = scene.store.get(f"/customers/{scene.old}/orders").json()["items"]
    assert {order["customer_id"] for order in mine} == {scene.live}


def the_till(scene: Scene) -> None:
    """By the old id the survivor; by the phone that was retired nobody (F6)."""
    till = Till(scene.store)
    assert till.http.get(f"/members/{scene.old}").json()["id"] == scene.live
    assert till.find(scene.person["phone"]) == till.find(scene.person["email"]) == []
    sold = till.sell(
        {
            "receipt": "ABCD-0009",
            "taken_at": scene.paid["placed_at"],
            "paid": True,
            "currency": "HKD",
            "lines": LINES,
            "customer_id": scene.old,
        },
        key(),
    )
    assert sold.status_code == 201, sold.text
    assert scene.owner_of(sold.json()) == scene.live
    till.http.close()


def links_of_orders(scene: Scene) -> None:
    """Payment links and guests' links still open the order, without the contact of who is gone."""
    for order in (scene.paid, scene.unpaid[2]):
        page = scene.visit(scene.links[order["order_id"]])
        assert page.status_code == 200
        assert "Oolong" in page.text
        assert scene.person["email"] not in page.text
    assert scene.store.get(f"/orders/{scene.unpaid[2]['order_id']}/payment-link").json()["payable"] is True


def paying_by_hand(scene: Scene) -> None:
    """F7: the order goes to the survivor with its payment."""
    order = scene.unpaid[0]
    assert scene.owner_of(order) == scene.old
    paid = scene.store.post(f"/orders/{order['order_id']}/payment", {"method": "cash"})
    assert paid.json()["customer_id"] == scene.live


def paying_online(scene: Scene) -> None:
    """F7: by the payment link and the provider's notice, which comes twice."""
    order = scene.unpaid[1]
    sent = httpx.post(f"{scene.links[order['order_id']]}/pay", trust_env=False, timeout=30)
    address = sent.headers["Refresh"].removeprefix("0; url=")
    for _ in range(2):
        httpx.post(address, data={"action": "pay"}, trust_env=False, timeout=30)
    until(lambda: scene.store.get(f"/orders/{order['order_id']}").json()["status"] == "paid", "the notice arrives")
    assert scene.owner_of(order) == scene.live


def importing(scene: Scene) -> None:
    """T: a row with the retired phone is refused, as one that belonged to somebody else once."""
    found = upload(scene.store, f"{HEADER}\r\n{row_of(scene.person)}\r\n").json()
    [row] = scene.store.get(f"/imports/{found['import_id']}/rows").json()["items"]
    assert (row["state"], {p["reason"] for p in row["problems"]}) == ("refused", {"used_before"})


def merging(scene: Scene) -> None:
    """Its merges are found; a plan and a list of groups with the old id mean the survivor; both ids are one account."""
    store, other = scene.store, scene.store.member()
    assert len(store.get("/merges", customer_id=scene.old).json()["items"]) == 1
    plan = store.post("/merges/plans", {"customer_ids": [scene.old, other], "primary_id": scene.old})
    assert (plan.json()["primary_id"], plan.json()["merged_ids"]) == (scene.live, [other])
    same = store.post("/merges/plans", {"customer_ids": [scene.old, scene.live], "primary_id": scene.live})
    assert problem(same)[2] == {("customer_ids", "repeated_account")}
    groups = {"groups": [{"primary_id": other, "other_ids": [scene.old]}]}
    batch = reached(store, store.post("/merge-batches", groups).json()["batch_id"], "checked")
    [group] = store.get(f"/merge-batches/{batch.batch_id}/groups").json()["items"]
    assert (group["asked_ids"], group["merged_ids"]) == ([other, scene.old], [scene.live])
    shown = scene.console.get("/console/merges/new", params={"id": [scene.old, other]}).text
    assert scene.live in shown


def judging_likely_duplicates(scene: Scene) -> None:
    """F12: of the survivor, by the id of whoever became it."""
    store, other = scene.store, scene.store.member()
    run_sync(_suggest(scene, other))
    [pair] = store.get("/duplicates", customer_id=scene.old).json()["items"]
    assert set(pair["customer_ids"]) == {scene.live, other}
    once, body = key(), {"customer_ids": [scene.old, other]}
    for _ in range(2):
        judged = store.http.post("/duplicates/dismissals", json=body, headers={"Idempotency-Key": once}).json()
        assert (set(judged["customer_ids"]), bool(judged["dismissed_at"])) == ({scene.live, other}, True)
    assert store.get("/duplicates", customer_id=scene.old).json()["items"] == []


async def _suggest(scene: Scene, other: str) -> None:
    """A pair as a scan writes it."""
    connection = await asyncpg.connect(scene.stack.settings.databases["identity_merge"].admin)
    store_id = uuid.UUID(scene.store.get("/me").json()["store"]["store_id"])
    both = sorted(map(uuid.UUID, (scene.live, other)))
    await connection.execute(
        """INSERT INTO duplicate_pairs (store_id, first_id, second_id, score, reasons, first_digest, second_digest, scan_id)
 VALUES ($1, $2, $3, 950000, '{name_same}', '', '', $1)""",
        store_id,
        *both,
    )
    await connection.close()


def logging_in(scene: Scene) -> None:
    """F6, F13: the session has ended; no code comes to the retired address; the page says what it says to strangers."""
    assert scene.browser.get("account").status_code == 302
    seen = len(messages(scene.stack, scene.person["email"]))
    assert scene.browser.send("login", identifier=scene.person["email"]).headers["Location"].endswith("/login/code")
    assert len([m for m in messages(scene.stack, scene.person["email"])[seen:] if re.search(r"\d{6}", str(m))]) == 0


DOORS = (
    *(console_page, reading, writing, removing, ordering, lists_of_orders, the_till, links_of_orders),
    *(paying_by_hand, paying_online, importing, merging, judging_likely_duplicates, logging_in),
)


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
def test_an_id_two_merges_old_leads_to_the_account_that_lives(door: Callable[[Scene], None], scene: Scene) -> None:
    door(scene)
