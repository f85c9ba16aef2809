"""Who owns an order, what a merge makes of accounts, what a search means."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.common.contact import Address, Contact
from services.common.errors import StateConflict
from services.common.identifiers import IdentifierHasher
from services.common.ids import new_id
from services.membership.domain import (
    Account,
    Adjustment,
    Buyer,
    Customer,
    Decision,
    Hold,
    Holder,
    Lot,
    Status,
    StoreSettings,
    decide,
    identifiers_of,
    merge_outcome,
)

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
A, B = new_id(), new_id()
FREE, LIVE, MERGED, GONE = Hold.FREE, Hold.LIVE, Hold.MERGED, Hold.GONE
BUYER = Buyer(new_id(), new_id(), True, Contact("陳大文"), True, True, "", Address(), NOW)


def holders(phone: Hold | None, email: Hold | None) -> list[Holder]:
    """A holds the phone, B the e-mail."""
    found = []
    for kind, hold, owner in (("phone", phone, A), ("email", email, B)):
        if hold:
            found.append(Holder(kind, hold, owner if hold in {LIVE, MERGED} else None))
    return found


@pytest.mark.parametrize(
    ("phone", "email", "owner", "owned"),
    [
        (FREE, FREE, None, ("phone", "email")),
        (FREE, None, None, ("phone",)),
        (None, FREE, None, ("email",)),
        (None, None, None, ()),
        (LIVE, None, A, ()),
        (LIVE, FREE, A, ()),
        (LIVE, LIVE, A, ()),
        (LIVE, MERGED, A, ()),
        (LIVE, GONE, A, ()),
        (FREE, LIVE, B, ()),
        (MERGED, LIVE, B, ()),
        (GONE, LIVE, B, ()),
        (MERGED, FREE, A, ()),
        (MERGED, MERGED, A, ()),
        (FREE, MERGED, B, ()),
        (GONE, MERGED, B, ()),
        (GONE, FREE, None, ("email",)),
        (FREE, GONE, None, ("phone",)),
        (GONE, GONE, None, ()),
        (GONE, None, None, ()),
    ],
)
def test_who_owns_a_new_buyers_order(
    phone: Hold | None, email: Hold | None, owner: UUID | None, owned: tuple[str, ...]
) -> None:
    """A4, T, U: the table of the README; without "add as a member" nobody new owns anything; unproved, nothing counts (A7)."""
    held = holders(phone, email)
    assert decide(BUYER, held) == Decision(owner, owned)
    assert decide(replace(BUYER, add_as_member=False), held) == Decision(owner, ())
    assert decide(replace(BUYER, trusted=False), held) == Decision()


def test_identifiers_are_compared_in_one_form() -> None:
    """Rule 11: any case of an e-mail; a phone and an e-mail of the same text are not the same."""
    hasher = IdentifierHasher("k" * 32)
    [upper], [lower] = (identifiers_of(hasher, Contact("", "", e)) for e in ("Tai@Example.com", "tai@example.com"))
    assert upper.digest == lower.digest
    assert hasher.digest("phone", "x") != hasher.digest("email", "x")
    assert [i.kind for i in identifiers_of(hasher, Contact("", "+85294512053", "a@b.example"))] == ["phone", "email"]


def account(name: str, joined: int, points: int = 0, days: int = 100, **changes: object) -> Account:
    """A member who joined on that day of November."""
    customer = Customer(
        customer_id=new_id(),
        status=Status.MEMBER,
        name=name,
        phone="",
        email="",
        birthday=None,
        language="",
        created_at=NOW,
        joined_at=datetime(2026, 11, joined, tzinfo=UTC),
        survivor_id=None,
        net_spend=0,
        orders_count=0,
        points_balance=points,
        version=1,
    )
    for field, value in changes.items():
        setattr(customer, field, value)
    lot = Lot(new_id(), customer.customer_id, points, points, NOW + timedelta(days=days), NOW)
    return Account(customer, [lot] if points else [])


def test_the_primarys_values_win_and_the_oldest_fills_the_gaps() -> None:
    """F3, F8: phone and e-mail are the primary's or nobody's."""
    primary = account("陳大文", 20, phone="+85294512053")
    younger = account("陳大文", 19, birthday=date(1990, 1, 1), email="young@example.com", language="en")
    older = account("", 1, birthday=date(1980, 1, 1), phone="+85298765432")
    outcome = merge_outcome([primary, younger, older], primary.customer.customer_id, Adjustment(), NOW, StoreSettings())
    survivor = outcome.survivor
    assert (survivor.name, survivor.birthday, survivor.language) == ("陳大文", date(1980, 1, 1), "en")
    assert (survivor.phone, survivor.email) == ("+85294512053", "")
    assert {(f.field, f.from_customer_id) for f in outcome.fields} >= {
        ("phone", primary.customer.customer_id),
        ("name", primary.customer.customer_id),
        ("birthday", older.customer.customer_id),
        ("language", younger.customer.customer_id),
    }
    assert "email" not in {f.field for f in outcome.fields}
    assert {(r.kind, r.value) for r in outcome.retired} == {("phone", "+85298765432"), ("email", "young@example.com")}
    assert outcome.warnings == ["different_birthdays"]


def test_a_preview_changes_nothing_and_is_repeatable() -> None:
    """F8."""
    accounts = [account("A", 1, 10), account("B", 2, 20)]
    first, second = (
        merge_outcome(accounts, accounts[0].customer.customer_id, Adjustment(-15), NOW, StoreSettings())
        for _ in range(2)
    )
    assert first.fingerprint == second.fingerprint
    assert (first.points_before, first.points_after) == (30, 15)
    assert accounts[0].lots[0].remaining == 10
    assert accounts[0].customer.version == 1


@pytest.mark.parametrize("change", ["version", "points", "primary", "adjustment", "participants"])
def test_the_fingerprint_changes_with_what_the_plan_depends_on(change: str) -> None:
    """F8, fault 10; the order in which accounts are named is no difference."""
    a, b, c = account("A", 1, 10), account("B", 2, 20, days=1), account("C", 3)
    primary, adjustment, accounts, now = a.customer.customer_id, Adjustment(-1), [a, b], NOW
    before = merge_outcome([b, a], primary, adjustment, now, StoreSettings()).fingerprint
    assert merge_outcome(accounts, primary, adjustment, now, StoreSettings()).fingerprint == before
    match change:
        case "version":
            b.customer.version += 1
        case "points":
            now += timedelta(days=2)
        case "primary":
            primary = b.customer.customer_id
        case "adjustment":
            adjustment = Adjustment(-2)
        case _:
            accounts = [a, b, c]
    assert merge_outcome(accounts, primary, adjustment, now, StoreSettings()).fingerprint != before


@pytest.mark.parametrize(
    ("status", "reason"),
    [(Status.GUEST, "not_a_member"), (Status.MERGED, "already_merged"), (Status.DELETED, "not_a_member")],
)
def test_only_live_members_are_merged(status: Status, reason: str) -> None:
    """F1, F10."""
    accounts = [account("A", 1), account("B", 2, status=status)]
    with pytest.raises(StateConflict) as refusal:
        merge_outcome(accounts, accounts[0].customer.customer_id, Adjustment(), NOW, StoreSettings())
    assert refusal.value.reason == reason
    assert refusal.value.params["customer_id"] == str(accounts[1].customer.customer_id)


def test_names_that_differ_only_in_writing_are_the_same() -> None:
    """F4: full width, case and spaces warn nobody."""
    accounts = [account("Ｃhan  Tai man", 1), account("CHAN TAI MAN", 2), account("", 3)]
    assert merge_outcome(accounts, accounts[0].customer.customer_id, Adjustment(), NOW, StoreSettings()).warnings == []
