"""Bad input at the public API: a clear refusal with stable reason and field, in both languages, and nothing written."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.faults.client import Json, Shop, somebody, together
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(120)]
Body = Callable[["Scene"], Json]
_LINE = {"title": "Tea", "quantity": 1, "unit_price_minor": 1_000}


@dataclass(frozen=True)
class Scene:
    """A store with members, a guest, a finished merge, an unpaid order and a used key; and somebody else's store."""

    system: System
    shop: Shop
    members: list[str]
    guest: str
    merged: str
    unpaid: str
    used_key: str
    foreign: str
    stale_plan: Json
    plan: Json

    def order(self, **changes: Any) -> Json:
        """An order's body that would be taken, but for the changes."""
        return self.shop.draft(somebody(), **changes)

    def merge(self, ids: list[str], primary: str = "", **adjustment: Any) -> Json:
        """A plan's body."""
        return {"customer_ids": ids, "primary_id": primary or ids[0]} | (
            {"adjustment": adjustment} if adjustment else {}
        )


@pytest.fixture(scope="module")
def scene(running: System) -> Iterator[Scene]:
    """Made once: nothing in this file changes it, which is the point."""
    running.bring_up()
    shop, other = running.open_shop(), running.open_shop()
    members = shop.members(9)
    merged = members.pop()
    shop.merge([members[7], merged])
    stale_plan = shop.plan(members[4:6])
    shop.adjust(members[5], 1)
    key = str(uuid.uuid4())
    shop.order(members[0], key=key)
    guest = shop.settled(shop.order(somebody(), member=False)["order_id"])["customer_id"]
    unpaid = shop.order(members[6], paid=False)["order_id"]
    running.audit()
    yield Scene(
        running,
        shop,
        members,
        guest,
        merged,
        unpaid,
        key,
        other.member(),
        stale_plan,
        shop.plan([members[1], members[2]]),
    )
    shop.close()
    other.close()


@dataclass(frozen=True)
class Bad:
    """One bad request and its refusal. `field` empty: no field is to blame; then `reason` stands at the top."""

    name: str
    path: str
    body: Body
    status: int
    reason: str
    field: str = ""
    key: str = ""


def _order(name: str, status: int, reason: str, field: str = "", /, **changes: Any) -> Bad:
    return Bad(name, "/orders", lambda scene: scene.order(**changes), status, reason, field)


def _contact(name: str, reason: str, field: str, /, **contact: str) -> Bad:
    return _order(name, 422, reason, field, contact={"name": "Ann"} | contact)


def _line(name: str, reason: str, field: str, /, **changes: Any) -> Bad:
    return _order(name, 422, reason, f"lines[0].{field}", lines=[_LINE | changes])


def _plan(name: str, status: int, reason: str, field: str, body: Body) -> Bad:
    return Bad(name, "/merges/plans", body, status, reason, field)


def _points(name: str, status: int, reason: str, field: str, /, **body: Any) -> Bad:
    return Bad(name, "/customers/{0}/points", lambda _: body, status, reason, field)


def _wish(name: str, status: int, reason: str, field: str, /, **adjustment: Any) -> Bad:
    return _plan(name, status, reason, field, lambda scene: scene.merge(scene.members[1:3], **adjustment))


TABLE = [
    # Who buys
    _contact("a landline", "not_a_mobile_phone", "contact.phone", phone="2123 4567"),
    _contact("too few digits", "invalid_phone", "contact.phone", phone="9451 205"),
    _contact("letters for a phone", "invalid_phone", "contact.phone", phone="call me"),
    _contact("a number mangled by a spreadsheet", "invalid_phone", "contact.phone", phone="9.4512053E+07"),
    _contact("a mobile of Taiwan without its code", "invalid_phone", "contact.phone", phone="0912 345 678"),
    _contact("a country that is none", "invalid_phone", "contact.phone", phone="+999 9451 2053"),
    _contact("a phone and then some", "invalid_phone", "contact.phone", phone="9451 2053 " * 20),
    _contact("an e-mail without a domain", "invalid_email", "contact.email", email="ann@"),
    _contact("an e-mail with a gap", "invalid_email", "contact.email", email="a nn@mail.example"),
    _contact("an e-mail without a name", "invalid_email", "contact.email", email="@mail.example"),
    _contact("two e-mails", "invalid_email", "contact.email", email="a@mail.example,b@mail.example"),
    _contact(
        "an e-mail with a line break", "invalid_email", "contact.email", email="a@mail.example\r\nBcc: b@mail.example"
    ),
    _contact("a name beyond all measure", "too_long", "contact.name", name="x" * 121),
    _order("nobody buys", 422, "required", "contact.name", contact={}),
    _order("a member who cannot be reached", 422, "required", "contact.phone", contact={"name": "Ann"}),
    Bad("a customer of nobody", "/orders", lambda s: s.shop.draft(str(uuid.uuid4())), 404, "customer_not_found"),
    Bad("another store's customer", "/orders", lambda s: s.shop.draft(s.foreign), 404, "customer_not_found"),
    _order("an id that is none", 422, "invalid_id", "customer_id", customer_id="42"),
    # What is bought
    _order("no lines", 422, "empty_lines", "lines", lines=[]),
    _order("lines left out", 422, "required", "lines[0].title", lines=[{"quantity": 1, "unit_price_minor": 1}]),
    _order("too many lines", 422, "too_many_lines", "lines", lines=[_LINE] * 501),
    _line("a negative price", "negative_amount", "unit_price_minor", unit_price_minor=-1),
    _line("a huge price", "amount_too_large", "unit_price_minor", unit_price_minor=10**15),
    _line("a price beyond 64 bits", "amount_too_large", "unit_price_minor", unit_price_minor=10**30),
    _line("a price with a fraction", "invalid_amount", "unit_price_minor", unit_price_minor=9.5),
    _line("a price in words", "invalid_amount", "unit_price_minor", unit_price_minor="ten"),
    _line("none of it", "quantity_out_of_range", "quantity", quantity=0),
    _line("less than none", "quantity_out_of_range", "quantity", quantity=-3),
    _line("more than there is", "quantity_out_of_range", "quantity", quantity=100_001),
    _line("a discount above the price", "discount_too_large", "discount_minor", discount_minor=1_001),
    _line("a negative discount", "negative_amount", "discount_minor", discount_minor=-1),
    _order("a discount above the sum", 422, "discount_too_large", "discount_minor", discount_minor=10_001),
    _order("a negative shipping", 422, "negative_amount", "shipping_minor", shipping_minor=-1),
    _order(
        "a sum above the largest amount",
        422,
        "amount_too_large",
        "total_minor",
        lines=[_LINE | {"quantity": 100, "unit_price_minor": 10**11}],
    ),
    _order("a currency that is none", 422, "unknown_currency", "currency", currency="ZZZ"),
    _order("another store's currency", 422, "currency_not_of_store", "currency", currency="TWD"),
    _order("no currency", 422, "required", "currency", currency=""),
    _order("an order of tomorrow", 422, "date_in_future", "placed_at", placed_at="2999-01-01T00:00:00Z"),
    _order("a day that is none", 422, "invalid_date", "placed_at", placed_at="2026-02-30T00:00:00Z"),
    _order("a channel that is none", 422, "unknown_value", "channel", channel="pigeon"),
    _order("a field that is none", 422, "unknown_field", "colour", colour="red"),
    Bad("no object", "/orders", lambda _: [1], 400, "malformed_request"),  # type: ignore[arg-type,return-value]
    # Payments
    Bad("another amount", "/orders/{2}/payment", lambda _: {"amount_minor": 1}, 409, "amount_not_of_order"),
    Bad(
        "a negative amount",
        "/orders/{2}/payment",
        lambda _: {"amount_minor": -1},
        422,
        "negative_amount",
        "amount_minor",
    ),
    Bad("a method that is none", "/orders/{2}/payment", lambda _: {"method": "shells"}, 422, "unknown_value", "method"),
    Bad("an order of nobody", f"/orders/{uuid.uuid4()}/payment", lambda _: {}, 404, "order_not_found"),
    # Points
    _points("no points", 422, "zero_points", "points", points=0),
    _points("points below zero", 409, "points_insufficient", "", points=-1_000_000),
    _points("an award that never ends", 422, "expiry_required", "expires_on", points=5),
    _points("an award that is over", 422, "expiry_in_past", "expires_on", points=5, expires_on="2020-01-01"),
    _points("a day that is none", 422, "invalid_date", "expires_on", points=5, expires_on="soon"),
    _points("a deduction with an end", 422, "expiry_not_allowed", "expires_on", points=-5, expires_on="2099-01-01"),
    _points("points beyond measure", 422, "too_large", "points", points=10**18, expires_on="2099-01-01"),
    Bad("points of a guest", "/customers/{1}/points", lambda _: {"points": -1}, 409, "not_a_member"),
    # Merges
    _plan("a merge of one", 422, "too_few_accounts", "customer_ids", lambda s: s.merge(s.members[:1])),
    _plan("a merge of six", 422, "too_many_accounts", "customer_ids", lambda s: s.merge(s.members[:6])),
    _plan(
        "the same twice", 422, "repeated_account", "customer_ids[2]", lambda s: s.merge([*s.members[:2], s.members[1]])
    ),
    _plan(
        "a primary from outside",
        422,
        "primary_not_listed",
        "primary_id",
        lambda s: s.merge(s.members[:2], s.members[3]),
    ),
    _plan("another store's account", 404, "customer_not_found", "", lambda s: s.merge([s.members[0], s.foreign])),
    _plan("an account of nobody", 404, "customer_not_found", "", lambda s: s.merge([s.members[0], str(uuid.uuid4())])),
    _plan(
        "two ids of one account", 422, "repeated_account", "customer_ids", lambda s: s.merge([s.members[7], s.merged])
    ),
    _plan("a guest", 409, "not_a_member", "", lambda s: s.merge([s.members[0], s.guest])),
    _wish("more points than all have", 409, "points_insufficient", "", points=-1_000_000),
    _wish("points that never end", 422, "expiry_required", "adjustment.expires_on", points=5),
    _wish("points that are over", 422, "expiry_in_past", "adjustment.expires_on", points=5, expires_on="2020-01-01"),
    _wish("a day that is none", 422, "invalid_date", "adjustment.expires_on", points=5, expires_on="31.12."),
    _wish("a description beyond all measure", 422, "too_long", "adjustment.description", description="x" * 501),
    Bad("a stale plan", "/merges", lambda s: _commit(s.stale_plan), 409, "stale_plan"),
    Bad("another plan's hash", "/merges", lambda s: _commit(s.plan | {"plan_hash": "0" * 64}), 409, "stale_plan"),
    Bad(
        "a plan of nobody", "/merges", lambda s: _commit(s.plan | {"plan_id": str(uuid.uuid4())}), 404, "plan_not_found"
    ),
    # Keys
    Bad("a key used for another body", "/orders", lambda s: s.order(), 422, "idempotency_key_reused", key="used"),
    Bad("no key", "/orders", lambda s: s.order(), 400, "idempotency_key_required", "Idempotency-Key", key="none"),
    Bad(
        "a key too long",
        "/orders",
        lambda s: s.order(),
        400,
        "idempotency_key_required",
        "Idempotency-Key",
        key="k" * 201,
    ),
]


def _commit(plan: Json) -> Json:
    return {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]}


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.path.split("/")[1] + ": " + bad.name)
def test_bad_input_is_refused_clearly_and_nothing_is_written(bad: Bad, scene: Scene) -> None:
    """H4, E7, F8: the status, the reason and the field are the same in both languages, the sentence is not."""
    before = scene.system.content(scene.shop.store_id)
    path = bad.path.format(scene.members[0], scene.guest, scene.unpaid)
    key = {"used": scene.used_key, "none": "", "": str(uuid.uuid4())}.get(bad.key, bad.key)
    body = bad.body(scene)
    answers = {
        language: scene.shop.api.once("POST", path, body, key=key, language=language) for language in ("en", "zh-Hant")
    }
    for answer in answers.values():
        assert answer.status_code == bad.status, answer.text
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        problem = answer.json()
        found = {entry["field"]: entry["reason"] for entry in problem["errors"]}
        assert found.get(bad.field) == bad.reason if bad.field else problem["reason"] == bad.reason, problem
        assert problem["status"] == bad.status
    english, chinese = (answers[language].json() for language in ("en", "zh-Hant"))
    for text in ("title", "detail"):
        assert english[text].isascii() or not bad.field, english[text]
        assert any("\u4e00" <= sign <= "\u9fff" for sign in chinese[text]), chinese[text]
    assert scene.system.content(scene.shop.store_id) == before, "something was written"


def test_every_fault_of_an_order_is_told_at_once(scene: Scene) -> None:
    """A form that has to be sent again and again teaches nobody."""
    draft = scene.order(currency="ZZZ", lines=[_LINE | {"quantity": 0}], contact={"phone": "12", "email": "x"})
    problem = scene.shop.api.once("POST", "/orders", draft, key=str(uuid.uuid4())).json()
    fields = {entry["field"] for entry in problem["errors"]}
    assert fields >= {"currency", "lines[0].quantity", "contact.phone", "contact.email"}


def test_a_double_click_is_one_order_and_one_answer(scene: Scene) -> None:
    """Fault 2 (E7): both clicks get the same document."""
    body, key = scene.order(), str(uuid.uuid4())
    answers = together(*[lambda: scene.shop.api.once("POST", "/orders", body, key=key) for _ in range(2)])
    assert [answer.status_code for answer in answers] == [201, 201]  # type: ignore[union-attr]
    assert len({answer.json()["order_id"] for answer in answers}) == 1  # type: ignore[union-attr]
    scene.system.audit()


@pytest.mark.parametrize("write", ["order", "payment", "contact", "points", "plan", "merge"])
def test_every_write_is_done_once_for_its_key(write: str, system: System, shop: Shop) -> None:
    """E7: a repeat gives the same answer and writes nothing, also when it comes late; another body is refused."""
    one, two = shop.members(2)
    unpaid = shop.order(one, paid=False)["order_id"]
    draft = shop.draft(one)
    plan = {"customer_ids": [one, two], "primary_id": one}
    method, path, body, other = {
        "order": ("POST", "/orders", draft, draft | {"note": "and a spoon"}),
        "payment": ("POST", f"/orders/{unpaid}/payment", {"method": "cash"}, {"method": "card"}),
        "contact": ("PATCH", f"/orders/{unpaid}/contact", {"contact": {"name": "Ann"}}, {"contact": {"name": "Bob"}}),
        "points": ("POST", f"/customers/{one}/points", {"points": -3}, {"points": -4}),
        "plan": ("POST", "/merges/plans", plan, plan | {"primary_id": two}),
        "merge": ("POST", "/merges", _commit(shop.plan([one, two])), _commit(shop.plan([two, one]))),
    }[write]
    key = str(uuid.uuid4())
    if write == "plan":
        system.audit()  # a plan says whether messages are on their way, which the repeat would not find any more
    first = shop.api.sure(method, path, body, key=key)
    if write == "merge":
        shop.ended(first)
    system.audit()
    before = system.content(shop.store_id)
    assert shop.api.sure(method, path, body, key=key) == first
    refusal = shop.api.once(method, path, other, key=key)
    assert (refusal.status_code, refusal.json()["reason"]) == (422, "idempotency_key_reused")
    assert system.content(shop.store_id) == before
