"""Merges: what is asked, the plan that a person checks, the run that carries it out (F1-F9).

A run only goes forward:

    planned ──► absorbed ──► logins_retired ──► completed
       └──────► refused
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from functools import partial
from uuid import UUID

from services.common.contact import clean_text
from services.common.errors import Conflict, Internal, InvalidInput, StateConflict, Violations
from services.common.ids import NIL, parse_id

FEWEST, MOST = 2, 5
LONGEST_DESCRIPTION = 500
# Of a stale plan that are told: details of an error stay below 2 KB.
MOST_CHANGES = 20


class MergeState(IntEnum):
    """Numbers as in the contract's MergeState."""

    PLANNED = 1
    ABSORBED = 2
    LOGINS_RETIRED = 3
    COMPLETED = 4
    REFUSED = 5


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Points given (positive) or taken (negative) with the merge (F2). `expires_on` is an ISO 8601 date or empty."""

    points: int = 0
    expires_on: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a plan rests on: membership's fingerprint; the logins that membership does not know of, for their subjects are providers';
    and what each account has, as (account, field, value).
    """

    fingerprint: bytes
    logins: Sequence[UUID] = ()
    facts: Sequence[tuple[str, str, str]] = ()

    def marks(self, salt: UUID) -> dict[str, str]:
        """By "account field" a digest of what is there: enough to see later that it changed, and nothing to read."""
        values: dict[str, list[str]] = {}
        for account, kind, value in self.facts:
            values.setdefault(f"{account} {kind}", []).append(value)
        return {
            key: hashlib.sha256(repr((str(salt), sorted(found))).encode()).hexdigest()[:16]
            for key, found in values.items()
        }


@dataclass(frozen=True, slots=True)
class EndedLogin:
    """A login method that a merge has ended, as it may be kept for good: masked (C12, F13)."""

    customer_id: UUID
    kind: str
    mask: str
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """Who shall become one, and which account stays."""

    primary_id: UUID
    merged_ids: tuple[UUID, ...]
    adjustment: Adjustment

    @classmethod
    def read(cls, customer_ids: Sequence[str], primary_id: str, adjustment: Adjustment) -> MergeRequest:
        """From a request; the adjustment's rules are membership's to judge (F1, F3). Raises InvalidInput with every fault."""
        found = Violations()
        if len(customer_ids) < FEWEST:
            found.add("customer_ids", "too_few_accounts", least=str(FEWEST))
        if len(customer_ids) > MOST:
            found.add("customer_ids", "too_many_accounts", largest=str(MOST))
        ids = [_read_id(text, f"customer_ids[{n}]", found) for n, text in enumerate(customer_ids[: MOST + 1])]
        for number, customer_id in enumerate(ids):
            if customer_id and customer_id in ids[:number]:
                found.add(f"customer_ids[{number}]", "repeated_account")
        primary = _read_id(primary_id, "primary_id", found)
        if primary and primary not in ids:
            found.add("primary_id", "primary_not_listed")
        text = found.gather(
            lambda: clean_text(adjustment.description, "adjustment.description", LONGEST_DESCRIPTION), ""
        )
        found.check()
        merged = tuple(i for i in ids if i and i != primary)
        return cls(primary or NIL, merged, Adjustment(adjustment.points, adjustment.expires_on, text))

    @property
    def participants(self) -> list[UUID]:
        """All accounts, in the order in which they are locked everywhere."""
        return sorted([self.primary_id, *self.merged_ids])

    def led_on(self, merged_id: UUID, survivor_id: UUID) -> MergeRequest:
        """The same for the account behind an id that was merged earlier (F10). Raises InvalidInput when that is named besides."""
        if survivor_id in self.participants:
            raise InvalidInput.of("customer_ids", "repeated_account")
        primary, *merged = (survivor_id if i == merged_id else i for i in (self.primary_id, *self.merged_ids))
        return replace(self, primary_id=primary, merged_ids=tuple(merged))

    def plan_hash(self, foreseen: Foreseen) -> str:
        """Hexadecimal SHA-256 over what is asked and what was foreseen (F8)."""
        canonical = {
            "primary": str(self.primary_id),
            "merged": sorted(map(str, self.merged_ids)),
            "adjustment": asdict(self.adjustment),
            "fingerprint": foreseen.fingerprint.hex(),
            "logins": sorted(map(str, foreseen.logins)),
        }
        return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """A merge that was shown for checking. `expired` is the database's word, for clocks differ."""

    plan_id: UUID
    plan_hash: str
    request: MergeRequest
    fingerprint: bytes
    expires_at: datetime
    expired: bool = False
    merge_run_id: UUID | None = None
    marks: Mapping[str, str] = field(default_factory=dict)

    def check(self, plan_hash: str) -> None:
        """Whether it may be committed. Raises Conflict (stale_plan), StateConflict (plan_expired)."""
        if plan_hash != self.plan_hash:
            raise Conflict("stale_plan", "the hash is another plan's")
        if self.expired and self.merge_run_id is None:
            raise StateConflict("plan_expired")

    def check_unchanged(self, now: Foreseen) -> None:
        """Whether the accounts still are as the person saw them (fault 10). Raises Conflict (stale_plan; `changed`: what, and whose)."""
        if self.request.plan_hash(now) != self.plan_hash:
            raise Conflict("stale_plan", "an account changed since the plan was made", changed=self._changed(now))

    def _changed(self, now: Foreseen) -> str:
        """ "account field, account field"; as many as an error has room for."""
        marks = now.marks(self.plan_id)
        keys = sorted(key for key in {*self.marks, *marks} if self.marks.get(key) != marks.get(key))
        return ", ".join(keys[:MOST_CHANGES])


@dataclass(slots=True)
class Run:
    """A merge under way or done. Each change of state is a method that guards itself."""

    merge_run_id: UUID
    plan_id: UUID
    state: MergeState
    request: MergeRequest
    fingerprint: bytes
    started_by: str
    started_at: datetime
    orders_moved: int = 0
    orders_expected: int | None = None
    earlier_ids: Sequence[UUID] = ()
    ended_logins: Sequence[EndedLogin] = ()
    refusal: str = ""
    finished_at: datetime | None = None
    version: int = 1

    @classmethod
    def start(cls, plan: Plan, *, merge_run_id: UUID, actor: str, now: datetime) -> Run:
        """A run of a plan that was checked."""
        return cls(merge_run_id, plan.plan_id, MergeState.PLANNED, plan.request, plan.fingerprint, actor, now)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.state in (MergeState.COMPLETED, MergeState.REFUSED)

    @property
    def old_ids(self) -> Sequence[UUID]:
        """Every account that leads to the primary by this merge, those of earlier merges among them (F10)."""
        return [*self.request.merged_ids, *self.earlier_ids]

    def absorbed(self, earlier_ids: Sequence[UUID]) -> None:
        """The pivot is done; there is no way back. `earlier_ids` had been merged into the merged accounts before."""
        self._go(MergeState.PLANNED, MergeState.ABSORBED)
        self.earlier_ids = earlier_ids

    def refuse(self, reason: str, now: datetime) -> None:
        """Membership would not; nothing has changed."""
        self._go(MergeState.PLANNED, MergeState.REFUSED)
        self.refusal = reason
        self.finished_at = now

    def logins_retired(self, ended: Sequence[EndedLogin]) -> None:
        """Nobody logs in as a merged account any more (F6)."""
        self._go(MergeState.ABSORBED, MergeState.LOGINS_RETIRED)
        self.ended_logins = ended

    def expect_orders(self, count: int) -> None:
        """Notes how many orders there are to move, before the first moves."""
        self._require(MergeState.LOGINS_RETIRED)
        self.orders_expected = count
        self.version += 1

    def moved(self, count: int) -> None:
        """A batch of orders has gone to the primary."""
        self._require(MergeState.LOGINS_RETIRED)
        self.orders_moved += count
        self.version += 1

    def complete(self, moved: int, now: datetime) -> None:
        """The last batch has gone. One that was moved but not noted, for the process died in between, is counted here."""
        self._go(MergeState.LOGINS_RETIRED, MergeState.COMPLETED)
        self.orders_moved = max(self.orders_moved + moved, self.orders_expected or 0)
        self.finished_at = now

    def _go(self, origin: MergeState, target: MergeState) -> None:
        self._require(origin)
        self.state = target
        self.version += 1

    def _require(self, state: MergeState) -> None:
        if self.state is not state:
            raise Internal("internal", f"the merge is {self.state.name}, not {state.name}")


def _read_id(text: str, field: str, found: Violations) -> UUID | None:
    if not text:
        found.add(field, "required")
        return None
    return found.gather(partial(parse_id, text, field), None)
