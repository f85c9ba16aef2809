"""The table of rules says what a merge makes of any accounts, row by row (F4, F8, F11)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.contact import Address
from services.common.ids import new_id
from services.common.searching import fold
from services.membership.domain import (
    MERGE_RULES,
    Account,
    Adjustment,
    Customer,
    LevelRules,
    Lot,
    Merge,
    MergeRule,
    MergeWay,
    Outcome,
    Status,
    StoreSettings,
    Use,
    merge_outcome,
    read_facts,
    read_fields,
    write_down,
)

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
RULE = {rule.kind: rule for rule in MERGE_RULES}
_words = st.sampled_from(["", "陳大文", "Chan Tai Man", "chan taiman", "VIP", "vip"])
_moments = st.integers(0, 400).map(lambda days: NOW - timedelta(days=days))


@st.composite
def accounts(draw: st.DrawFn) -> Account:
    """A member with anything, or nothing, of all that the rules know."""
    customer_id = new_id()
    lots = [
        Lot(new_id(), customer_id, points, points, expires, NOW)
        for points, expires in draw(
            st.lists(
                st.tuples(st.integers(1, 50), st.none() | st.integers(1, 3).map(lambda d: NOW + timedelta(days=d))),
                max_size=3,
            )
        )
    ]
    kinds = draw(st.sets(st.sampled_from(["email_marketing", "sms_marketing"])))
    customer = Customer(
        customer_id=customer_id,
        status=Status.MEMBER,
        name=draw(_words),
        phone=draw(st.sampled_from(["", f"+852{customer_id.int % 10**8:08}"])),
        email=draw(st.sampled_from(["", f"{customer_id.hex[-8:]}@mail.example"])),
        birthday=draw(st.none() | st.dates(date(1950, 1, 1), date(1951, 1, 1))),
        language=draw(st.sampled_from(["", "en", "zh-Hant"])),
        created_at=NOW,
        joined_at=draw(_moments),
        survivor_id=None,
        net_spend=draw(st.integers(-100, 10_000)),
        orders_count=draw(st.integers(0, 50)),
        points_balance=sum(lot.remaining for lot in lots),
        version=draw(st.integers(1, 9)),
        tags=draw(st.lists(_words.filter(bool), max_size=3, unique_by=fold)),
        online_since=draw(st.none() | _moments),
        addresses=[
            Address(line, "", (line,), "", "香港", "", "HK") for line in draw(st.sets(_words.filter(bool), max_size=2))
        ],
    )
    return Account(
        customer,
        lots,
        gifts=draw(st.sets(st.sampled_from([2024, 2025, 2026])).map(sorted)),
        uses={kind: Use(kind, draw(st.booleans()), draw(_moments), "staff", "staff") for kind in kinds},
        notes=draw(st.integers(0, 4)),
        welcomed=draw(st.booleans()),
    )


_groups = st.lists(accounts(), min_size=2, max_size=5)
_adjustments = st.sampled_from([Adjustment(), Adjustment(7, NOW + timedelta(days=2), "sorry")])


def merged(group: list[Account], adjustment: Adjustment) -> Outcome:
    return merge_outcome(group, group[0].customer.customer_id, adjustment, NOW, StoreSettings(rules=LevelRules()))


def found_afterwards(group: list[Account], outcome: Outcome) -> Account:
    """The primary as it is read back once the outcome has been written."""
    good = [lot for lot in outcome.ledgers[0].lots if lot.is_good(NOW)]
    return Account(
        replace(outcome.survivor, level_id=outcome.standing.level_id),
        good,
        gifts=sorted({year for account in group for year in account.gifts}),
        uses={use.kind: use for use in outcome.uses},
        notes=sum(account.notes for account in group),
    )


def _first(values: list[list[str]]) -> list[str]:
    return next((found for found in values if found), [])


def _every(values: list[list[str]]) -> list[str]:
    return sorted({value for found in values for value in found})


def _sum(values: list[list[str]]) -> list[str]:
    return [str(sum(int(found[0]) for found in values if found))]


# What each way means, written down a second time: from what the accounts have, the primary first and the others by seniority.
MEANING: dict[MergeWay, Callable[[list[list[str]]], list[str]]] = {
    MergeWay.PRIMARY_ONLY: lambda values: values[0],
    MergeWay.PRIMARY_THEN_OLDEST: _first,
    MergeWay.EACH_ONCE: _every,
    MergeWay.ADDED_UP: _sum,
    MergeWay.ALL: _sum,
    MergeWay.EARLIEST: lambda values: _every(values)[:1],
}


@settings(max_examples=40)
@given(_groups, _adjustments)
def test_a_merge_does_what_every_row_says(group: list[Account], adjustment: Adjustment) -> None:
    """F3-F5, F8, F11, F13: of each kind what the preview says is what is found, each value is had by whom it comes from, the words of
    the table hold by a second reckoning, and the record says the same and can forget.
    """
    outcome = merged(group, adjustment)
    after = found_afterwards(group, outcome)
    for rule in MERGE_RULES:
        said = [field.value for field in outcome.fields if field.field == rule.kind]
        assert sorted(together(rule, said)) == sorted(rule.held(after)), rule.kind
        if rule.way in MEANING:
            check_meaning(rule, group, outcome, said)
    check_sources(group, outcome)
    check_lots(outcome, adjustment)
    check_record(group, outcome)


def together(rule: MergeRule, values: list[str]) -> list[str]:
    """Lots of one moment are told for each account apart, and are one sum to whoever reads them back."""
    if rule.kind != "lot":
        return values
    sums = Counter[str]()
    for value in values:
        points, _, until = value.partition(" ")
        sums[until] += int(points)
    return [f"{points} {until}".strip() for until, points in sums.items()]


def check_sources(group: list[Account], outcome: Outcome) -> None:
    """Nothing is made up, and nothing comes from somewhere else; what all make together is nobody's."""
    had = {(fact.kind, fact.value, fact.customer_id) for fact in outcome.facts}
    assert had == {(r.kind, v, a.customer.customer_id) for r in MERGE_RULES for a in group for v in r.held(a)}
    for field in outcome.fields:
        assert field.from_customer_id is None or (field.field, field.value, field.from_customer_id) in had


def check_meaning(rule: MergeRule, group: list[Account], outcome: Outcome, said: list[str]) -> None:
    values = [[f.value for f in outcome.facts if f.kind == rule.kind and f.customer_id == i] for i in _order(group)]
    if rule.kind == "tag":  # of two writings of one word the primary's, or the oldest's
        assert sorted(map(fold, said)) == sorted({fold(value) for found in values for value in found})
    else:
        assert sorted(said) == sorted(MEANING[rule.way](values) if any(values) else []), rule.kind


def _order(group: list[Account]) -> list[UUID]:
    primary, *others = group
    others.sort(key=lambda account: (account.customer.joined_at or NOW, account.customer.customer_id))
    return [account.customer.customer_id for account in (primary, *others)]


def check_lots(outcome: Outcome, adjustment: Adjustment) -> None:
    """They come over one by one, and the award is nobody's (F11, P)."""
    lots = sorted((f.value, str(f.from_customer_id)) for f in outcome.fields if f.field == "lot")
    before = [(f.value, str(f.customer_id)) for f in outcome.facts if f.kind == "lot"]
    award = [(f"{adjustment.points} 2026-11-26T03:00:00+00:00", "None")] if adjustment.points else []
    assert lots == sorted(before + award)
    assert outcome.points_after == outcome.points_before + adjustment.points


def check_record(group: list[Account], outcome: Outcome) -> None:
    """The same facts and fields; without its personal part no name, phone, e-mail, birthday, address or tag (C12)."""
    ids = [account.customer.customer_id for account in group]
    figures, personal = write_down(Merge(ids[0], ids[1:], 5, "2027-01-31", "for 陳大文"), outcome)
    assert read_facts(figures, personal) == list(outcome.facts)
    assert read_fields(figures, personal) == list(outcome.fields)
    left = {field.field for field in read_fields(figures, None)}
    assert left.isdisjoint(kind for kind, rule in RULE.items() if rule.personal)
    assert {"points", "net_spend", "orders_count"} <= left
    assert "陳" not in str(figures)


def test_every_kind_has_one_row() -> None:
    """F8: the table names each kind once, and who carries it out."""
    assert len(RULE) == len(MERGE_RULES)
    assert {rule.service for rule in MERGE_RULES} == {"membership", "orders", "identity_merge"}
