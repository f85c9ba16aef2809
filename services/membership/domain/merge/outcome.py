"""What becomes of several accounts that are one person's (F1-F8, F11). One function serves preview and pivot alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.common.errors import InvalidInput, StateConflict
from services.common.searching import fold
from services.membership.domain.customers import Customer, Status
from services.membership.domain.levels import Spend, Standing, judge_merged
from services.membership.domain.merge.accounts import Account, Case, Fact, Outcome, RetiredIdentifier
from services.membership.domain.merge.rules import MERGE_RULES, identifiers_of
from services.membership.domain.points import Adjustment, Ledger, spendable
from services.membership.domain.settings import StoreSettings
from services.membership.domain.uses import Use

MOST_ACCOUNTS = 5
# Lots of all participants, by expiry, from which on they are added up by the month. A deduction needs them all the same: it takes some
# of one month, and whose those are is told beforehand (F8).
MOST_MOMENTS = 150
# From so many on they are reckoned with in a thread of its own, while other calls are answered.
MANY_LOTS = 200


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
    """What absorbing makes of the accounts, by the table of rules; nothing is written and the accounts stay as they are (F8).

    Raises StateConflict (already_merged, not_a_member, points_insufficient).
    """
    for account in accounts:
        _check_member(account.customer)
    primary = next(account for account in accounts if account.customer.customer_id == primary_id)
    ordered = [primary, *sorted((account for account in accounts if account is not primary), key=_seniority)]
    ledgers = [Ledger(a.customer.customer_id, list(a.lots), now, actor, merge_run_id) for a in ordered]
    points_before = sum(ledger.balance for ledger in ledgers)
    _pool(ledgers, adjustment)
    survivor = replace(primary.customer, version=primary.customer.version + 1)
    case = Case(ordered, now, settings, ledgers, survivor, _standing(accounts, primary.customer, now, settings))
    fields = [field for rule in MERGE_RULES for field in rule.settle(rule, case)]
    return Outcome(
        survivor=survivor,
        facts=_facts(ordered),
        fields=fields,
        standing=case.standing,
        uses=case.uses,
        points_before=points_before,
        points_after=ledgers[0].balance,
        ledgers=ledgers,
        retired=[
            RetiredIdentifier(kind, value, account.customer.customer_id)
            for account in ordered[1:]
            for kind, value in identifiers_of(account.customer)
        ],
        warnings=_warnings(accounts),
        fingerprint=_fingerprint(accounts, primary_id, adjustment, now, case.standing, case.uses),
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


def _standing(accounts: Sequence[Account], primary: Customer, now: datetime, settings: StoreSettings) -> Standing:
    own = Standing(primary.level_id, primary.level_until, primary.level_pinned_until)
    spend = sum((account.spend for account in accounts), Spend())
    return judge_merged(own, spend, settings.rules, now, settings.timezone)


def _facts(accounts: Sequence[Account]) -> list[Fact]:
    return [
        Fact(rule.kind, value, account.customer.customer_id)
        for rule in MERGE_RULES
        for account in accounts
        for value in rule.held(account)
    ]


def _warnings(accounts: Sequence[Account]) -> list[str]:
    """What a person should look at; all of it is kept as the rules say, none is dropped in silence (F11).

    doubled_gift: birthday points of one year; doubled_welcome: points that were given when the account was made.
    """
    names = {fold(account.customer.name) for account in accounts} - {""}
    birthdays = {account.customer.birthday for account in accounts} - {None}
    years = [year for account in accounts for year in account.gifts]
    found = {
        "different_names": len(names) > 1,
        "different_birthdays": len(birthdays) > 1,
        "doubled_gift": len(set(years)) < len(years),
        "doubled_welcome": sum(account.welcomed for account in accounts) > 1,
    }
    return [warning for warning, holds in found.items() if holds]


def _fingerprint(
    accounts: Sequence[Account],
    primary_id: UUID,
    adjustment: Adjustment,
    now: datetime,
    standing: Standing,
    uses: Sequence[Use],
) -> bytes:
    """Changes with everything that the preview shows but what only adds up: net spend, numbers of orders and notes. A version tells
    of every change in an account but three: that points expire by the mere passing of time, hence the balances; that orders move
    levels, hence the survivor's; and that consents come and go.
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
