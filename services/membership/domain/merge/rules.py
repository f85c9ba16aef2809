"""How each kind of thing fares in a merge: one table, which `merge_outcome` follows row by row, the help page of the console shows,
and tests hold against what is found afterwards (F3-F8, F11).

Each row reads what one account has (`held`) and settles what the primary has afterwards (`settle`), which also writes it into the
survivor. What another service carries out, or what is read from nowhere, has a row for people alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any
from uuid import UUID

from services.common.contact import Address
from services.common.identifiers import EMAIL, PHONE
from services.common.searching import fold
from services.membership.domain.customers import Customer
from services.membership.domain.merge.accounts import Account, Case, FieldOutcome, one_line
from services.membership.domain.points import Lot
from services.membership.domain.profiles import sort_tags
from services.membership.domain.uses import merged_use

Held = Callable[[Account], Sequence[str]]
Settle = Callable[["MergeRule", Case], Sequence[FieldOutcome]]


class MergeWay(Enum):
    """The principles. Their words for people are the gateway's."""

    PRIMARY_ONLY = "primary_only"
    PRIMARY_THEN_OLDEST = "primary_then_oldest"
    EACH_ONCE = "each_once"
    ALL = "all"
    ADDED_UP = "added_up"
    EARLIEST = "earliest"
    EARNED_TOGETHER = "earned_together"
    NO_OUTWEIGHS = "no_outweighs"
    LOT_BY_LOT = "lot_by_lot"
    MOVED = "moved"
    WHEN_PAID = "when_paid"
    PUT_TOGETHER = "put_together"
    LED_HERE = "led_here"


@dataclass(frozen=True, slots=True)
class MergeRule:
    """One row. `service` carries it out; `personal` values are what an erasure takes out of a merge's record (C12)."""

    kind: str
    way: MergeWay
    personal: bool = False
    service: str = "membership"
    held: Held = lambda _: ()
    settle: Settle = lambda _, __: ()


def _identifiers(kind: str) -> Held:
    def held(account: Account) -> Sequence[str]:
        return [value for owned, value in identifiers_of(account.customer) if owned == kind]

    return held


def identifiers_of(customer: Customer) -> Sequence[tuple[str, str]]:
    """All phones, then all e-mails."""
    main = ((PHONE, customer.phone), (EMAIL, customer.email))
    return customer.identifiers or [(kind, value) for kind, value in main if value]


def _attribute(name: str) -> Held:
    def held(account: Account) -> Sequence[str]:
        value = getattr(account.customer, name)
        return [text_of(value)] if value else []

    return held


def _number(name: str) -> Held:
    return lambda account: [str(getattr(account.customer, name))]


def _level(account: Account) -> Sequence[str]:
    return [account.customer.level_name] if account.customer.level_id else []


def _points(account: Account) -> Sequence[str]:
    return [str(account.customer.points_balance)]


def _use(kind: str) -> Held:
    return lambda account: [_word(account.uses[kind].given)] if kind in account.uses else []


def _word(given: bool) -> str:
    return "given" if given else "withdrawn"


def text_of(value: Any) -> str:
    """A value as facts and outcomes carry it: ISO 8601 for days and times (UTC), plain text otherwise."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def _lot_texts(lots: Iterable[Lot]) -> list[str]:
    """Each "points last-moment", "points first-moment/last-moment" for a sum of several, or "points" for those that never expire; one of
    each moment, for an account may have thousands of lots.
    """
    sums = Counter[tuple[datetime, ...]]()
    for lot in lots:
        sums[tuple(moment for moment in (lot.expires_from, lot.expires_at) if moment)] += lot.remaining
    return [f"{points} {'/'.join(map(text_of, spell))}".strip() for spell, points in sums.items() if points]


def _primarys(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The primary's or nobody's: what the others had fills no gap. The survivor began as the primary, so it has them already."""
    return [FieldOutcome(rule.kind, value, case.primary.customer_id) for value in rule.held(case.accounts[0])]


def _filled(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The primary's value wins; a gap is filled by the account that joined first."""
    giver = next((account for account in case.accounts if rule.held(account)), None)
    if giver is None:
        return []
    setattr(case.survivor, rule.kind, getattr(giver.customer, rule.kind))
    return [FieldOutcome(rule.kind, value, giver.customer.customer_id) for value in rule.held(giver)]


def _addresses(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The primary's first, so its default stays the default."""
    owners: dict[Address, Account] = {}
    for account in case.accounts:
        for address in account.customer.addresses:
            owners.setdefault(address, account)
    case.survivor.addresses = tuple(owners)
    return [FieldOutcome(rule.kind, one_line(a), owner.customer.customer_id) for a, owner in owners.items()]


def _tags(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """Of two writings of one word the primary's stays. A merge may bring more than can be typed."""
    givers: dict[str, FieldOutcome] = {}
    for account in case.accounts:
        for tag in account.customer.tags:
            givers.setdefault(fold(tag), FieldOutcome(rule.kind, tag, account.customer.customer_id))
    case.survivor.tags = sort_tags(found.value for found in givers.values())
    return sorted(givers.values(), key=lambda found: fold(found.value))


def _earliest(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The first time that any of them did is when the person did (C10)."""
    done = [account.customer for account in case.accounts if getattr(account.customer, rule.kind)]
    if not done:
        return []
    first = min(done, key=lambda customer: getattr(customer, rule.kind))
    setattr(case.survivor, rule.kind, getattr(first, rule.kind))
    return [FieldOutcome(rule.kind, text_of(getattr(first, rule.kind)), first.customer_id)]


def _added(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    total = sum(getattr(account.customer, rule.kind) for account in case.accounts)
    setattr(case.survivor, rule.kind, total)
    return [FieldOutcome(rule.kind, str(total), None)]


def _notes(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    total = sum(account.notes for account in case.accounts)
    return [FieldOutcome(rule.kind, str(total), None)] if total else []


def _gifts(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """Who has had a year's gift by any account has had it (F11)."""
    givers: dict[int, FieldOutcome] = {}
    for account in case.accounts:
        for year in account.gifts:
            givers.setdefault(year, FieldOutcome(rule.kind, str(year), account.customer.customer_id))
    return [givers[year] for year in sorted(givers)]


def _earned(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The level by all that was spent together; from the account that has it now, or from none."""
    rules = case.settings.rules
    level = rules.at(rules.rank(case.standing.level_id))
    if level is None:
        return []
    has_it = (account.customer.customer_id for account in case.accounts if account.customer.level_id == level.level_id)
    return [FieldOutcome(rule.kind, level.name, next(has_it, None))]


def _agreed(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """The primary's own word, but for a later withdrawal; a kind that nobody was asked about is none."""
    told = [(a.uses[rule.kind], a.customer.customer_id) for a in case.accounts[1:] if rule.kind in a.uses]
    use = merged_use(case.accounts[0].uses.get(rule.kind), [use for use, _ in told])
    if use is None:
        return []
    case.uses.append(use)
    giver = next((owner for given, owner in told if given is use), case.primary.customer_id)
    return [FieldOutcome(rule.kind, _word(use.given), giver)]


def _balance(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    case.survivor.points_balance = case.ledgers[0].balance
    return [FieldOutcome(rule.kind, str(case.survivor.points_balance), None)]


def _lots(rule: MergeRule, case: Case) -> Sequence[FieldOutcome]:
    """What the adjustment has given is nobody's; it had no lot before."""
    before = {lot.lot_id for lot in case.accounts[0].lots}
    by_owner: dict[UUID | None, list[Lot]] = {}
    for lot in case.ledgers[0].lots:
        if lot.is_good(case.now):
            owner = lot.customer_id if lot.lot_id in before else lot.origin_customer_id
            by_owner.setdefault(owner, []).append(lot)
    return [FieldOutcome(rule.kind, text, owner) for owner, lots in by_owner.items() for text in _lot_texts(lots)]


_W = MergeWay
MERGE_RULES: Sequence[MergeRule] = (
    MergeRule("name", _W.PRIMARY_THEN_OLDEST, True, held=_attribute("name"), settle=_filled),
    MergeRule("phone", _W.PRIMARY_ONLY, True, held=_identifiers(PHONE), settle=_primarys),
    MergeRule("email", _W.PRIMARY_ONLY, True, held=_identifiers(EMAIL), settle=_primarys),
    MergeRule("login", _W.PRIMARY_ONLY, True, "identity_merge"),
    MergeRule("birthday", _W.PRIMARY_THEN_OLDEST, True, held=_attribute("birthday"), settle=_filled),
    MergeRule("language", _W.PRIMARY_THEN_OLDEST, True, held=_attribute("language"), settle=_filled),
    MergeRule(
        "address", _W.EACH_ONCE, True, held=lambda a: list(map(one_line, a.customer.addresses)), settle=_addresses
    ),
    MergeRule("tag", _W.EACH_ONCE, True, held=lambda a: list(a.customer.tags), settle=_tags),
    MergeRule("level", _W.EARNED_TOGETHER, held=_level, settle=_earned),
    MergeRule("joined_at", _W.PRIMARY_ONLY, held=_attribute("joined_at"), settle=_primarys),
    MergeRule("online_since", _W.EARLIEST, held=_attribute("online_since"), settle=_earliest),
    MergeRule("points", _W.LOT_BY_LOT, held=_points, settle=_balance),
    MergeRule("lot", _W.LOT_BY_LOT, held=lambda a: _lot_texts(a.lots), settle=_lots),
    MergeRule("orders_count", _W.ADDED_UP, held=_number("orders_count"), settle=_added),
    MergeRule("net_spend", _W.ADDED_UP, held=_number("net_spend"), settle=_added),
    MergeRule("paid_orders", _W.MOVED, service="orders"),
    MergeRule("unpaid_orders", _W.WHEN_PAID, service="orders"),
    MergeRule("cart", _W.PUT_TOGETHER, service="orders"),
    MergeRule("email_marketing", _W.NO_OUTWEIGHS, held=_use("email_marketing"), settle=_agreed),
    MergeRule("sms_marketing", _W.NO_OUTWEIGHS, held=_use("sms_marketing"), settle=_agreed),
    MergeRule("note", _W.ALL, held=lambda a: [str(a.notes)] if a.notes else [], settle=_notes),
    MergeRule("birthday_gift", _W.EACH_ONCE, held=lambda a: [str(year) for year in a.gifts], settle=_gifts),
    MergeRule("history", _W.ALL),
    MergeRule("old_id", _W.LED_HERE),
)
