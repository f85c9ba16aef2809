"""What becomes of several accounts that are one person's (F1-F8, F11). One function serves preview and pivot alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from services.common.contact import Address
from services.common.errors import InvalidInput, StateConflict
from services.common.searching import fold
from services.membership.domain.customers import Customer, Status
from services.membership.domain.levels import Spend, Standing, judge_merged
from services.membership.domain.points import Adjustment, Ledger, Lot, spendable
from services.membership.domain.profiles import sort_tags
from services.membership.domain.settings import StoreSettings
from services.membership.domain.uses import KINDS, Use, merged_use

MOST_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge as somebody asks for it. `expires_on` is an ISO date, or empty."""

    primary_id: UUID
    merged_ids: Sequence[UUID]
    points: int = 0
    expires_on: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """One participant: the customer with its addresses, its lots, what counts for its level, the years of its birthday gifts, and by
    kind what it has agreed to.
    """

    customer: Customer
    lots: Sequence[Lot]
    spend: Spend = field(default_factory=Spend)
    gifts: Sequence[int] = ()
    uses: Mapping[str, Use] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FieldOutcome:
    """One field of the primary after the merge, and whose value it is."""

    field: str
    value: str
    from_customer_id: UUID


@dataclass(frozen=True, slots=True)
class RetiredIdentifier:
    """An identifier that nobody can use again (F6)."""

    kind: str
    value: str
    customer_id: UUID


@dataclass(frozen=True, slots=True)
class Outcome:
    """The primary as it will be (`survivor`), and all that is written to get there.

    `ledgers` are the participants' after the merge, the primary's first. `survivor.version` is one above the primary's.
    """

    survivor: Customer
    fields: Sequence[FieldOutcome]
    # The survivor's level.
    standing: Standing
    # What the survivor has agreed to.
    uses: Sequence[Use]
    points_before: int
    points_after: int
    ledgers: Sequence[Ledger]
    retired: Sequence[RetiredIdentifier]
    warnings: Sequence[str]
    fingerprint: bytes


def check_participants(primary_id: UUID, merged_ids: Sequence[UUID]) -> None:
    """2 to 5 different accounts (F1). Raises InvalidInput."""
    if not merged_ids:
        raise InvalidInput.of("merged_ids", "too_few_accounts", fewest="2")
    if len(merged_ids) >= MOST_ACCOUNTS:
        raise InvalidInput.of("merged_ids", "too_many_accounts", largest=str(MOST_ACCOUNTS))
    if len({primary_id, *merged_ids}) != 1 + len(merged_ids):
        raise InvalidInput.of("merged_ids", "repeated_account")


def merge_outcome(
    accounts: Sequence[Account],
    primary_id: UUID,
    adjustment: Adjustment,
    now: datetime,
    settings: StoreSettings,
    *,
    actor: str = "",
    merge_run_id: UUID | None = None,
) -> Outcome:
    """What absorbing makes of the accounts; nothing is written and the accounts stay as they are (F8).

    Raises StateConflict (already_merged, not_a_member, points_insufficient).
    """
    for account in accounts:
        _check_member(account.customer)
    primary = next(account for account in accounts if account.customer.customer_id == primary_id)
    merged = sorted((account for account in accounts if account is not primary), key=_seniority)
    customers = [primary.customer, *(account.customer for account in merged)]
    ledgers = [
        Ledger(account.customer.customer_id, list(account.lots), now, actor, merge_run_id)
        for account in (primary, *merged)
    ]
    points_before = sum(ledger.balance for ledger in ledgers)
    _pool(ledgers, adjustment)
    fields, survivor = _profile(customers)
    survivor.points_balance = ledgers[0].balance
    standing = _standing(accounts, primary.customer, now, settings)
    fields += _level(customers, standing, settings)
    uses = _uses(primary, merged, fields)
    return Outcome(
        survivor=survivor,
        fields=fields,
        standing=standing,
        uses=uses,
        points_before=points_before,
        points_after=ledgers[0].balance,
        ledgers=ledgers,
        retired=[
            RetiredIdentifier(kind, value, customer.customer_id)
            for customer in customers[1:]
            for kind, value in _identifiers(customer)
        ],
        warnings=_warnings(accounts),
        fingerprint=_fingerprint(accounts, primary_id, adjustment, now, standing, uses),
    )


def _check_member(customer: Customer) -> None:
    if customer.status is Status.MERGED:
        raise StateConflict(
            "already_merged", customer_id=str(customer.customer_id), survivor_id=str(customer.survivor_id)
        )
    if customer.status is not Status.MEMBER:
        raise StateConflict("not_a_member", customer_id=str(customer.customer_id))


def _seniority(account: Account) -> tuple[datetime, UUID]:
    return (account.customer.joined_at or account.customer.created_at, account.customer.customer_id)


def _pool(ledgers: Sequence[Ledger], adjustment: Adjustment) -> None:
    """Points go to the primary lot by lot (F11); only then is the sum adjusted, so a deduction may use any of them (F2)."""
    primary, *merged = ledgers
    for ledger in ledgers:
        ledger.expire()
    for ledger in merged:
        primary.take_over(ledger)
    primary.adjust(adjustment)


def _profile(customers: Sequence[Customer]) -> tuple[list[FieldOutcome], Customer]:
    """The primary's values win; gaps are filled by the account that joined first.

    Phones and e-mails are the exception: they are the primary's or nobody's, for the others' are retired for good (F3, F6).
    """
    primary = customers[0]
    fields = [FieldOutcome(kind, value, primary.customer_id) for kind, value in _identifiers(primary)]
    survivor = replace(primary, version=primary.version + 1)
    for name in ("name", "birthday", "language"):
        giver = next((customer for customer in customers if getattr(customer, name)), None)
        if giver:
            setattr(survivor, name, getattr(giver, name))
            fields.append(FieldOutcome(name, str(getattr(giver, name)), giver.customer_id))
    owners: dict[Address, UUID] = {}
    for customer in customers:
        for address in customer.addresses:
            owners.setdefault(address, customer.customer_id)
    survivor.addresses = tuple(owners)
    fields += [FieldOutcome("address", one_line(address), owner) for address, owner in owners.items()]
    fields += _tags(customers, survivor)
    # The first time that any of them signed up is when the person did (C10).
    survivor.online_since = min((c.online_since for c in customers if c.online_since), default=None)
    survivor.net_spend = sum(customer.net_spend for customer in customers)
    survivor.orders_count = sum(customer.orders_count for customer in customers)
    return fields, survivor


def _identifiers(customer: Customer) -> Sequence[tuple[str, str]]:
    """All phones, then all e-mails."""
    main = (("phone", customer.phone), ("email", customer.email))
    return customer.identifiers or [(kind, value) for kind, value in main if value]


def _tags(customers: Sequence[Customer], survivor: Customer) -> list[FieldOutcome]:
    """All tags, each once; of two writings of one word the primary's stays. A merge may bring more than can be typed."""
    givers: dict[str, tuple[str, UUID]] = {}
    for customer in customers:
        for tag in customer.tags:
            givers.setdefault(fold(tag), (tag, customer.customer_id))
    survivor.tags = sort_tags(tag for tag, _ in givers.values())
    return [FieldOutcome("tag", tag, giver) for tag, giver in sorted(givers.values(), key=lambda pair: fold(pair[0]))]


def _standing(accounts: Sequence[Account], primary: Customer, now: datetime, settings: StoreSettings) -> Standing:
    own = Standing(primary.level_id, primary.level_until, primary.level_pinned_until)
    spend = sum((account.spend for account in accounts), Spend())
    return judge_merged(own, spend, settings.rules, now, settings.timezone)


def _level(customers: Sequence[Customer], standing: Standing, settings: StoreSettings) -> list[FieldOutcome]:
    """The level, and the account that has it now; the primary's where none has, for it is earned by all together."""
    level = settings.rules.at(settings.rules.rank(standing.level_id))
    if level is None:
        return []
    giver = next((customer for customer in customers if customer.level_id == level.level_id), customers[0])
    return [FieldOutcome("level", level.name, giver.customer_id)]


def _uses(primary: Account, merged: Sequence[Account], fields: list[FieldOutcome]) -> list[Use]:
    """What is agreed to after the merge; each kind that anybody was asked about is a field, with whose word it is."""
    found = []
    for kind in KINDS:
        told = [(account.uses[kind], account.customer.customer_id) for account in merged if kind in account.uses]
        use = merged_use(primary.uses.get(kind), [use for use, _ in told])
        if use is not None:
            giver = next((i for given, i in told if given is use), primary.customer.customer_id)
            fields.append(FieldOutcome(kind, "given" if use.given else "withdrawn", giver))
            found.append(use)
    return found


def _warnings(accounts: Sequence[Account]) -> list[str]:
    """different_names; doubled_gift: two of them had birthday points of one year (F11)."""
    names = {fold(account.customer.name) for account in accounts} - {""}
    years = [year for account in accounts for year in account.gifts]
    return ["different_names"] * (len(names) > 1) + ["doubled_gift"] * (len(set(years)) < len(years))


def one_line(address: Address) -> str:
    """An address to be read in a table cell."""
    parts = (address.recipient, *address.lines, address.district, address.city, address.postal_code, address.country)
    return ", ".join(part for part in parts if part)


def _fingerprint(
    accounts: Sequence[Account],
    primary_id: UUID,
    adjustment: Adjustment,
    now: datetime,
    standing: Standing,
    uses: Sequence[Use],
) -> bytes:
    """Changes with everything that the preview shows but net spend. A version tells of every change in an account but three:
    that points expire by the mere passing of time, hence the balances; that orders move levels, hence the survivor's; and
    that consents come and go.
    """
    states = sorted((str(a.customer.customer_id), a.customer.version, spendable(a.lots, now)) for a in accounts)
    text = repr(
        (
            states,
            str(primary_id),
            adjustment.points,
            str(adjustment.expires_at),
            adjustment.note,
            str(standing.level_id),
            str(standing.pinned_until),
            [(use.kind, use.given, str(use.at)) for use in uses],
        )
    )
    return hashlib.sha256(text.encode()).digest()
