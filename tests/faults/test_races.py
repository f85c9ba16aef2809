"""Many at once: buyers of one phone, merges of the same accounts, payments and points beside a merge (rows 2-4, 7-13)."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from functools import partial
from uuid import UUID

import httpx
import pytest

from tests.faults.client import Json, Person, Refused, Shop, somebody, together, until
from tests.faults.flows import ImportOfMembers, refused
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]
_LOST = {"merge_in_progress", "stale_plan", "already_merged"}


def test_fifty_orders_at_once_of_one_new_phone_make_one_member(system: System, shop: Shop) -> None:
    """Fault 3: all orders are his (U); he is asked to confirm his e-mail once (E)."""
    who = somebody()
    orders = together(*[lambda: shop.order(who) for _ in range(50)])
    assert not refused(orders)
    system.audit()
    [member] = shop.members_with(who.phone)
    owned = shop.orders_of(member["customer_id"])
    assert {order["order_id"] for order in owned} == {order["order_id"] for order in orders if isinstance(order, dict)}
    assert (len(owned), member["orders_count"], member["net_spend_minor"]) == (50, 50, 500_000)
    assert len(system.mails(who.email, "Confirm")) == 1


def test_one_key_twenty_times_at_once_is_one_order(system: System, shop: Shop) -> None:
    """Fault 2: a double click (E7)."""
    who, key = somebody(), str(uuid.uuid4())
    orders = together(*[lambda: shop.order(who, key=key) for _ in range(20)])
    assert {order["order_id"] for order in orders if isinstance(order, dict)} == {shop.order(who, key=key)["order_id"]}
    assert not refused(orders)
    system.audit()
    [member] = shop.members_with(who.phone)
    assert len(shop.orders_of(member["customer_id"])) == 1


def test_of_two_opposite_merges_one_wins(system: System, shop: Shop) -> None:
    """Fault 7: A→B beside B→A. No circle, no deadlock, points conserved."""
    for _ in range(4):
        one, other = shop.members(2)
        total = shop.balance(one) + shop.balance(other)
        plans = shop.plan([one, other]), shop.plan([other, one])
        completed = _race(shop, plans)
        assert len(completed) == 1
        survivor = completed[0]["primary_id"]
        assert [shop.customer(each)["customer_id"] for each in (one, other)] == [survivor, survivor]
        assert shop.balance(one) == total
    system.audit()


def test_of_two_merges_that_share_an_account_one_wins(system: System, shop: Shop) -> None:
    """Fault 8: {A,B,C} beside {C,D,E}. C is merged once, the losers stay as they were."""
    for primary in (0, 2):  # C is merged in both, or stays in both
        accounts = shop.members(5)
        left, right = accounts[:3], accounts[2:]
        plans = shop.plan(left, accounts[primary]), shop.plan(right, accounts[2] if primary == 2 else accounts[3])
        completed = _race(shop, plans)
        assert len(completed) == 1
        taken_part = {completed[0]["primary_id"], *completed[0]["merged_ids"]}
        for account in accounts:
            expected = completed[0]["primary_id"] if account in taken_part else account
            assert shop.customer(account)["customer_id"] == expected
    system.audit()


def _counts(shop: Shop, customer_id: str, orders: int) -> bool:
    return bool(shop.customer(customer_id)["orders_count"] == orders)


def _race(shop: Shop, plans: tuple[Json, Json]) -> list[Json]:
    """Commits both at the same moment; the merges that were completed."""
    answers = together(*[partial(shop.commit, plan) for plan in plans])
    assert {refusal.reason for refusal in refused(answers)} <= _LOST
    runs = [shop.ended(answer) for answer in answers if isinstance(answer, dict)]
    assert all(run["state"] == "completed" or run["refusal"] in _LOST for run in runs)
    return [run for run in runs if run["state"] == "completed"]


def test_payments_beside_a_merge_move_their_orders_once(system: System, shop: Shop) -> None:
    """Fault 12: confirmed before, in the middle of and after the merge, and twice."""
    for _ in range(3):
        primary, merged = shop.members(2)
        unpaid = [shop.order(merged, paid=False)["order_id"] for _ in range(3)]
        shop.pay(unpaid[0])
        until(partial(_counts, shop, merged, 2), 30, "the payment is counted")
        plan, key = shop.plan([primary, merged]), str(uuid.uuid4())
        answers = together(
            partial(shop.commit, plan),
            partial(shop.pay, unpaid[1], key=key),
            partial(shop.pay, unpaid[1], key=key),
            partial(shop.pay, unpaid[1]),
        )
        # Of the two keys one paid; the other was told so. The merge went through, or its plan was overtaken by the points.
        reasons = sorted(refusal.reason for refusal in refused(answers))
        assert set(reasons) <= {"order_not_unpaid", "stale_plan"}
        assert 1 <= reasons.count("order_not_unpaid") <= 2
        if isinstance(answers[0], Refused) or shop.ended(answers[0])["state"] != "completed":
            shop.merge([primary, merged])
        shop.pay(unpaid[2])
        system.audit()
        for order_id in unpaid:
            order = shop.api.get(f"/orders/{order_id}")
            assert (order["customer_id"], order["status"], len(order["payments"])) == (primary, "paid", 1)
            assert [h["change"] for h in order["history"]].count("owner_changed") <= 1
        survivor = shop.customer(merged)
        assert (survivor["orders_count"], survivor["net_spend_minor"]) == (5, 50_000)


def test_points_changed_beside_a_merge_are_neither_lost_nor_doubled(system: System, shop: Shop) -> None:
    """Fault 11: awards and deductions of both accounts while they are being merged (P)."""
    for _ in range(3):
        primary, merged = shop.members(2)
        total = shop.balance(primary) + shop.balance(merged)
        plan = shop.plan([primary, merged])
        changes = [(merged, 30), (merged, -70), (primary, 11), (merged, -70)]
        calls: list[Callable[[], Json]] = [partial(shop.adjust, *change) for change in changes]
        answers = together(partial(shop.commit, plan), *calls)
        assert {r.reason for r in refused(answers[1:])} <= {"points_insufficient", "merge_in_progress"}
        taken = [points for (_, points), answer in zip(changes, answers[1:], strict=True) if isinstance(answer, dict)]
        total += sum(taken)
        if isinstance(answers[0], Refused) or shop.ended(answers[0])["state"] != "completed":
            shop.merge([primary, merged])
        assert shop.balance(merged) == total
    system.audit()


def test_a_stale_plan_is_refused_and_nothing_moves(system: System, shop: Shop) -> None:
    """Fault 10 (F8): points, an order or another merge came after the preview."""
    one, two, three = shop.members(3)
    stale = [shop.plan([one, two]), shop.plan([two, three])]
    shop.adjust(two, 5)
    system.audit()
    before = system.content(shop.store_id)
    for plan in stale:
        with pytest.raises(Refused) as refusal:
            shop.commit(plan)
        assert (refusal.value.status, refusal.value.reason) == (409, "stale_plan")
    assert system.content(shop.store_id) == before
    shop.merge([one, two])
    with pytest.raises(Refused) as refusal:
        shop.commit(stale[1])
    assert refusal.value.reason in ("stale_plan", "already_merged")
    system.audit()


def test_a_retired_identifier_never_comes_back(system: System, shop: Shop) -> None:
    """Faults 4, 13, 14 (T, F6): in any writing, by order and by the confirmation link sent before the merge."""
    primary_person, merged_person = somebody(), somebody()
    primary, merged = shop.member(primary_person), shop.member(merged_person)
    [mail] = until(lambda: system.mails(merged_person.email, "Confirm"), 30, "the confirmation mail comes")
    link = re.search(r"http\S+/s/confirm\?token=\S+", mail["text"])
    assert link
    shop.merge([primary, merged])
    system.audit()
    local = merged_person.phone.removeprefix("+852")
    writings = [
        {"phone": local},
        {"phone": f"+852 {local[:4]} {local[4:]}"},
        {"phone": "".join(chr(ord(digit) + 0xFEE0) for digit in local)},  # full-width digits
        {"email": merged_person.email.upper()},
        {"email": merged_person.email.replace("person", "Person")},
        {"phone": local, "email": f"new-{merged_person.email}"},
    ]
    for contact in writings:
        order = shop.api.sure("POST", "/orders", shop.draft(somebody(), contact={"name": "Somebody"} | contact))
        assert shop.settled(order["order_id"])["customer_id"] == primary, contact
    assert _confirm(link[0]) == 404
    system.audit()
    assert shop.members_with(merged_person.phone) == []
    logins = shop.api.get(f"/customers/{merged}/login-methods")["items"]
    assert {login["value"] for login in logins} == {primary_person.phone, primary_person.email}
    retired = system.rows(
        "identity_merge",
        "SELECT confirmed_at FROM login_methods WHERE store_id = $1 AND customer_id = $2",
        UUID(shop.store_id),
        UUID(merged),
    )
    assert retired
    assert all(confirmed_at is None for (confirmed_at,) in retired)


def test_a_file_is_imported_while_a_member_whom_it_lists_is_merged_away(system: System, shop: Shop) -> None:
    """Fault 16 (T, U): that row says why it made nobody, every other makes its member, once."""
    file = ImportOfMembers(system, shop)
    file.prepare()
    listed = file.people[file.rows // 2]
    file.checked = shop.api.sure("POST", "/imports", key=file.keys[0], file=file.file)
    assert file.checked["rows"]["refused"] == 0, "when the file was checked the phone was nobody's"
    primary, merged = shop.member(), shop.member(listed)
    started, _merged = together(file._confirm, lambda: shop.merge([primary, merged]))
    assert isinstance(started, dict)
    done = shop.imported(started)
    assert (done["rows"]["imported"], done["rows"]["failed"]) == (file.rows - 1, 1)
    rows = shop.api.get(f"/imports/{done['import_id']}/rows?page_size=100")["items"]
    [problem] = [problem["reason"] for row in rows for problem in row["problems"]]
    assert problem in {"used_before", "already_a_member"}
    system.audit()
    assert shop.members_with(listed.phone) == []
    assert all(len(shop.members_with(who.phone)) == 1 for who in file.people[:5])


def _confirm(link: str) -> int:
    """What comes of pressing the button on the page that a confirmation link opens."""
    with httpx.Client(trust_env=False) as browser:
        page = browser.get(link).raise_for_status()
        form = dict(re.findall(r'name="(csrf_token|token)"[^>]*value="([^"]+)"', page.text))
        assert form.keys() == {"csrf_token", "token"}
        return browser.post(page.url.copy_with(query=None), data=form).status_code


def test_a_login_confirmed_beside_a_deletion_is_either_there_or_gone_with_the_account(
    system: System, shop: Shop
) -> None:
    """Fault 18 (C10): whoever has signed up is never deleted, and nobody signs up into a deleted account."""
    people = [somebody() for _ in range(6)]
    members = [shop.member(who) for who in people]
    for number, (who, member) in enumerate(zip(people, members, strict=True)):
        mails = until(partial(system.mails, who.email, "Confirm"), 30, "the confirmation mail comes")
        [link] = re.findall(r"http\S+/s/confirm\?token=\S+", mails[0]["text"])

        def delete(who: Person = who, member: str = member, pause: float = number * 0.01) -> Json:
            time.sleep(pause)  # so that each of the two is first sometimes
            return shop.delete(member, who.phone)

        deleted, _confirmed = together(delete, partial(_status, link))
        status = shop.customer(member)["status"]
        logins = shop.api.get(f"/customers/{member}/login-methods")["items"]
        if isinstance(deleted, Refused):
            assert (deleted.reason, status) == ("registered_online", "member")
            assert any(login["confirmed_at"] for login in logins)
        else:
            assert (status, logins) == ("deleted", [])
            assert _confirm(link) == 404
    system.audit()


def _status(link: str) -> Json:
    return {"status": _confirm(link)}
