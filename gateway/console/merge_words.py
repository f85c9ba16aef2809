"""What merges do, in words: values of facts and outcomes as they are read, accounts side by side, and the table of rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import formats
from gateway.console import ask, labels
from onefold.identity_merge.v1.service_pb2 import LoginMethod, MergeRun
from onefold.membership.v1.merging_pb2 import MergeRecord, MergeRule
from onefold.membership.v1.service_pb2 import AccountFact, Customer, FieldOutcome

# Points by their expiry have a panel of their own.
ELSEWHERE = {"lot"}
# Where two accounts differ in these, they may be two people's.
WHO = {"name", "birthday"}
WAY = {
    "primary_only": _l("The primary account’s. What the others have is not taken over."),
    "primary_then_oldest": _l("The primary account’s. If it has none: that of the other account that joined first."),
    "each_once": _l("Those of all accounts, each once."),
    "all": _l("Those of all accounts. Each shows which account it was about."),
    "added_up": _l("The sum of all accounts."),
    "earliest": _l("The earliest of all accounts."),
    "earned_together": _l(
        "What all accounts together have earned, and never less than the primary account has while that is valid."
    ),
    "no_outweighs": _l(
        "The primary account’s word; where it was never asked, the others’ newest. A withdrawal outweighs any earlier consent."
    ),
    "lot_by_lot": _l("All points come over, each with its own expiry. Then the points that you award or deduct."),
    "moved": _l("Move to the primary account by themselves."),
    "when_paid": _l("Stay with the old account, and appear in the primary account once their payment is confirmed."),
    "put_together": _l(
        "All items go into the primary account’s cart; quantities of one item add up. A cart holds 100 items and 999 of each."
    ),
    "led_here": _l(
        "Links and ids of the merged accounts, and of accounts merged into them earlier, lead to the primary account for good."
    ),
}


def value_text(field: str, value: str) -> str:
    """One value of a field as it is read."""
    write = _WRITTEN.get(field)
    return write(value) if write else value


def _time(value: str) -> str:
    return formats.day_text(formats.local_day(datetime.fromisoformat(value), ask.zone()), ask.locale())


def _number(value: str) -> str:
    return f"{int(value):,}"


def _consent(value: str) -> str:
    return _("Agreed") if value == "given" else _("Withdrawn")  # type: ignore[no-any-return]


def lot_text(value: str) -> str:
    """Points and their last moment, or the first and the last of theirs, as they are read."""
    points, _space, spell = value.partition(" ")
    if not spell:
        return str(_("%(points)s points without expiry", points=_number(points)))
    first, last = (last_day_text(datetime.fromisoformat(moment)) for moment in (spell.split("/") * 2)[:2])
    if first != last:
        return str(
            _(
                "%(points)s points that run out from %(first)s to %(last)s",
                points=_number(points),
                first=first,
                last=last,
            )
        )
    return str(_("%(points)s points until %(day)s", points=_number(points), day=last))


def last_day_text(moment: datetime | Timestamp) -> str:
    """The last day before a moment, as it is read in the store."""
    return formats.day_text(formats.last_day(moment, ask.zone()), ask.locale())


_WRITTEN: dict[str, Callable[[str], str]] = {
    "phone": ask.phone,
    "birthday": ask.iso_day,
    "language": lambda value: labels.LANGUAGE.get(value, value),
    "joined_at": _time,
    "online_since": _time,
    "points": _number,
    "orders_count": _number,
    "unpaid_orders": _number,
    "note": _number,
    "net_spend": lambda value: ask.money(int(value)),
    "email_marketing": _consent,
    "sms_marketing": _consent,
    "lot": lot_text,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value after the merge, and where it comes from: an account's name, or empty for all together."""

    text: str
    source: str
    from_primary: bool
    together: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """One field: what the primary has afterwards, and what each account has before, in the order of the accounts, as (text, whether
    it is among what the primary has afterwards, or part of it).
    """

    label: str
    after: Sequence[Outcome]
    before: Sequence[Sequence[tuple[str, bool]]]
    differs: bool


def compare(
    facts: Iterable[AccountFact], outcomes: Iterable[FieldOutcome], primary_id: str, names: Mapping[str, str]
) -> list[Compared]:
    """Side by side, in the order of the rules; fields that nobody has anything in are left out. `names`: the accounts in their order."""
    had: dict[str, dict[str, list[str]]] = {}
    for fact in facts:
        had.setdefault(fact.field, {}).setdefault(fact.customer_id, []).append(value_text(fact.field, fact.value))
    after: dict[str, list[Outcome]] = {}
    for each in outcomes:
        giver, text = each.from_customer_id, value_text(each.field, each.value)
        source = names.get(giver, "") if giver else _("all accounts together")
        after.setdefault(each.field, []).append(Outcome(text, source, giver == primary_id, not giver))
    rows = []
    for field in (field for field in labels.FIELD if field in {*had, *after} - ELSEWHERE):
        before = [had.get(field, {}).get(account, []) for account in names]
        found = after.get(field, [])
        rows.append(
            Compared(
                label=labels.words_of(labels.FIELD, field),
                after=found,
                before=[[(value, _kept(value, found)) for value in values] for values in before],
                differs=field in WHO and len({tuple(values) for values in before if values}) > 1,
            )
        )
    return rows


def _kept(value: str, after: Sequence[Outcome]) -> bool:
    """What all make together takes from each."""
    return any(outcome.text.casefold() == value.casefold() or outcome.together for outcome in after)


def names_at(record: MergeRecord | None, run: MergeRun) -> dict[str, str]:
    """Id → what the accounts were called at the time, the primary first; numbered where that is not known any more."""
    known: dict[str, Customer] = {}
    for fact in record.facts if record else []:
        account = known.setdefault(fact.customer_id, Customer(customer_id=fact.customer_id))
        if fact.field in ("name", "phone", "email") and not getattr(account, fact.field):
            setattr(account, fact.field, fact.value)
    called = ask.tell_apart([account for account in known.values() if account.name or account.phone or account.email])
    ids = (run.primary_id, *run.merged_ids)
    return {each: called.get(each) or _("Account %(number)s", number=place) for place, each in enumerate(ids, 1)}


@dataclass(frozen=True, slots=True)
class Ending:
    """A login or identifier that nobody can use again: what it is, its value, whose it was."""

    kind: str
    text: str
    account: str


def endings(
    retired: Iterable[Any], logins: Iterable[LoginMethod], primary_id: str, names: Mapping[str, str]
) -> list[Ending]:
    """Phones and e-mails as membership knows them, then the providers' logins, which only the login service knows."""
    found = [(each.kind, each.value, each.customer_id) for each in retired]
    others = [
        (each.kind, each.value, each.customer_id)
        for each in logins
        if each.kind not in ("phone", "email") and each.customer_id != primary_id
    ]
    return [
        Ending(login_kind(kind), ask.phone(value) if kind == "phone" else value, names.get(account, ""))
        for kind, value, account in [*found, *others]
    ]


def login_kind(kind: str) -> str:
    """Phone, e-mail, or the provider's own name."""
    return labels.words_of(labels.FIELD, kind) if kind in ("phone", "email") else kind.title()


def rule_rows(rules: Iterable[MergeRule]) -> list[tuple[str, str]]:
    """(what, what becomes of it), one row for each kind that people know by a name of its own."""
    told = (rule for rule in rules if rule.field not in ELSEWHERE)
    return [(labels.words_of(labels.FIELD, rule.field), labels.words_of(WAY, rule.way)) for rule in told]


def by_expiry(outcomes: Iterable[FieldOutcome]) -> list[FieldOutcome]:
    """Lots alone, the first to expire first."""
    lots = (outcome for outcome in outcomes if outcome.field == "lot")
    return sorted(lots, key=lambda lot: lot.value.partition(" ")[2].rpartition("/")[2] or "~")
