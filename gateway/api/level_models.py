"""Levels and points settings, as programs send and read them. Words stand for the contract's numbers."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.api.fields import AnswerModel, Id, Json, OfCustomer, PageQuery, RequestModel, Time, when, when_set, word
from gateway.reasons import sentence_of
from onefold.membership.v1 import levels_pb2 as pb
from onefold.membership.v1 import service_pb2 as membership

_INT32 = 2**31 - 1
_INT64 = 2**63 - 1
BASES = {"lifetime": 1, "rolling_year": 2}
LAPSES = {"at_end": 1, "at_once": 2}
ROUNDINGS = {"down": 1, "nearest": 2, "up": 3}
_BASIS_WORDS = {number: name for name, number in BASES.items()}
_LAPSE_WORDS = {number: name for name, number in LAPSES.items()}
_ROUNDING_WORDS = {number: name for name, number in ROUNDINGS.items()}
_RUN_WORDS: dict[int, str] = {
    number: name.removeprefix("LEVEL_RUN_STATE_").lower() for name, number in pb.LevelRunState.items() if number
}
_CAUSE_WORDS: dict[int, str] = {
    number: name.removeprefix("LEVEL_CAUSE_").lower() for name, number in pb.LevelCause.items()
}


def _number(largest: int, smallest: int = 0, wire: int = _INT32, **more: Any) -> Any:
    """A whole number as the wire takes it, with the service's own bounds in the document."""
    bounds: dict[str, Any] = {"minimum": smallest, "maximum": largest}
    return Field(ge=-wire - 1, le=wire, json_schema_extra=bounds, **more)


Percent = Annotated[int, _number(100)]
Months = Annotated[int, _number(120)]
Version = Annotated[
    int, Field(ge=0, le=_INT64, description="The version that was read; a later one is not overwritten.")
]


class LevelIn(RequestModel):
    """One level."""

    level_id: UUID | None = Field(default=None, description="Without one the level is new.")
    name: str = Field(json_schema_extra={"maxLength": 40})
    threshold_minor: Annotated[int, _number(100_000_000_000, wire=_INT64)]
    discount_percent: Percent = 0
    points_multiplier_percent: Annotated[int, _number(1_000, 100, description="150 is one and a half times.")] = 100
    birthday_points: Annotated[int, _number(1_000_000, wire=_INT64)] = 0
    validity_months: Months = 0
    lapse: Literal["at_end", "at_once"] = "at_end"


class LevelRulesIn(RequestModel):
    """The store's levels as they shall be, the lowest first (B1)."""

    basis: Literal["lifetime", "rolling_year"] = "lifetime"
    levels: list[LevelIn] = Field(max_length=100, json_schema_extra={"maxItems": 10})
    version: Version

    def message(self) -> pb.LevelRules:
        """For the service."""
        rules = pb.LevelRules(version=self.version)
        rules.basis = BASES[self.basis]  # type: ignore[assignment]  # an open enum
        for level in self.levels:
            added = rules.levels.add(
                level_id=str(level.level_id) if level.level_id else "",
                name=level.name,
                threshold_minor=level.threshold_minor,
                discount_percent=level.discount_percent,
                points_multiplier_percent=level.points_multiplier_percent,
                birthday_points=level.birthday_points,
                validity_months=level.validity_months,
            )
            added.lapse = LAPSES[level.lapse]  # type: ignore[assignment]
        return rules


class LevelRulesSave(LevelRulesIn):
    """Rules whose simulation a person or program has seen (B6)."""

    simulation_hash: str = Field(description="From the simulation of exactly these rules.")


class SimulationQuery(PageQuery):
    """Which moves to name."""

    down: bool = Field(default=False, description="True: those who go down; false: those who go up.")


class CustomerLevelIn(RequestModel):
    """A level by hand (B3)."""

    level_id: UUID | None = Field(description="null: no level.")
    reason: str = Field(json_schema_extra={"maxLength": 200, "minLength": 1})
    pinned_until: str = Field(
        default="", description="Last day on which the level does not move by itself.", examples=["2027-03-31"]
    )


class PointsSettingsIn(RequestModel):
    """How points are earned, redeemed and run out (B2)."""

    earn_per_unit: Annotated[int, _number(10_000)]
    redeem_per_unit: Annotated[int, _number(10_000)]
    validity_months: Annotated[int, _number(120, 1)]
    rounding: Literal["down", "nearest", "up"]
    version: Version

    def message(self) -> pb.PointsSettings:
        """For the service."""
        settings = pb.PointsSettings(
            earn_per_unit=self.earn_per_unit,
            redeem_per_unit=self.redeem_per_unit,
            validity_months=self.validity_months,
            version=self.version,
        )
        settings.rounding = ROUNDINGS[self.rounding]  # type: ignore[assignment]  # an open enum
        return settings


class Level(AnswerModel):
    """One level and what it gives. Amounts are minor units of the store's currency."""

    level_id: Id
    name: str
    threshold_minor: int
    discount_percent: int
    points_multiplier_percent: int
    birthday_points: int
    validity_months: int
    lapse: Literal["at_end", "at_once", "other"]


class LevelRules(AnswerModel):
    """The store's levels, the lowest first."""

    basis: Literal["lifetime", "rolling_year", "other"]
    levels: list[Level]
    version: int


class LevelRunPath(BaseModel):
    """Which saving of levels."""

    run_id: Id


class LevelRun(AnswerModel):
    """A saving of levels, all or nothing."""

    run_id: Id
    state: Literal["queued", "running", "done", "refused", "other"]
    done: int = Field(description="Customers that are judged.")
    total: int = Field(description="Of how many; 0 until it has begun.")
    up_count: int = Field(description="Members who moved up, once it is done.")
    down_count: int
    refusal: str | None = Field(description="Why nothing was saved: a stable reason, as `stale_simulation`.")
    detail: str | None = Field(description="The same in the language of Accept-Language.")
    requested_by: str
    requested_at: Time
    started_at: Time | None
    finished_at: Time | None


class LevelStep(AnswerModel):
    """How many members go from one level to another; null where there is none."""

    from_level: str | None
    to_level: str | None
    down: bool
    members: int


class LevelMove(AnswerModel):
    """A member whose level would change."""

    customer_id: Id
    customer_name: str
    from_level: str | None
    to_level: str | None


class Simulation(AnswerModel):
    """What saving would do. Counts, steps and hash are those of the first page only."""

    simulation_hash: str | None
    up_count: int
    down_count: int
    steps: list[LevelStep]
    items: list[LevelMove]
    next_page_token: str | None


class LevelChange(AnswerModel):
    """One change of a member's level; names are those of then."""

    from_level: str | None
    to_level: str | None
    cause: str = Field(description="spend, time, rules, staff, merge.")
    actor: str
    reason: str
    pinned_until: Time | None
    at: Time


class CustomerLevel(OfCustomer):
    """The level that a customer has."""

    level_id: Id | None
    level_name: str | None
    level_until: Time | None
    level_pinned_until: Time | None


class CustomerLevelHistory(CustomerLevel):
    """The level, and every change of it, newest first."""

    items: list[LevelChange]
    next_page_token: str | None


class PointsSettings(AnswerModel):
    """How points are earned, redeemed and run out."""

    earn_per_unit: int
    redeem_per_unit: int
    validity_months: int
    rounding: Literal["down", "nearest", "up", "other"]
    version: int


class ExpiringPoints(AnswerModel):
    """Points of one member that run out in one moment."""

    customer_id: Id
    customer_name: str
    points: int
    expires_at: Time


class ExpiringPointsList(AnswerModel):
    """Points that run out within 30 days, the first to expire first; totals are those of the first page only."""

    items: list[ExpiringPoints]
    next_page_token: str | None
    points_total: int | None
    customers_total: int | None


def rules_json(rules: pb.LevelRules) -> Json:
    """As in LevelRules."""
    return {
        "basis": word(rules.basis, _BASIS_WORDS),
        "levels": [
            {
                "level_id": level.level_id,
                "name": level.name,
                "threshold_minor": level.threshold_minor,
                "discount_percent": level.discount_percent,
                "points_multiplier_percent": level.points_multiplier_percent,
                "birthday_points": level.birthday_points,
                "validity_months": level.validity_months,
                "lapse": word(level.lapse, _LAPSE_WORDS),
            }
            for level in rules.levels
        ],
        "version": rules.version,
    }


def run_json(run: pb.LevelRun) -> Json:
    """As in LevelRun."""
    return {
        "run_id": run.run_id,
        "state": word(run.state, _RUN_WORDS),
        "done": run.done,
        "total": run.total,
        "up_count": run.up_count,
        "down_count": run.down_count,
        "refusal": run.refusal or None,
        "detail": sentence_of(run.refusal) if run.refusal else None,
        "requested_by": run.requested_by,
        "requested_at": when(run.requested_at),
        "started_at": when_set(run, "started_at"),
        "finished_at": when_set(run, "finished_at"),
    }


def simulation_json(found: pb.SimulateLevelsResponse) -> Json:
    """As in Simulation."""
    return {
        "simulation_hash": found.simulation_hash.hex() or None,
        "up_count": found.up_count,
        "down_count": found.down_count,
        "steps": [{**_ends(step), "down": step.down, "members": step.members} for step in found.steps],
        "items": [
            {"customer_id": move.customer_id, "customer_name": move.customer_name, **_ends(move)}
            for move in found.moves
        ],
        "next_page_token": found.next_page_token or None,
    }


def level_of_json(customer: membership.Customer | pb.SetCustomerLevelResponse) -> Json:
    """As in CustomerLevel."""
    return {
        "level_id": customer.level_id or None,
        "level_name": customer.level_name or None,
        "level_until": when_set(customer, "level_until"),
        "level_pinned_until": when_set(customer, "level_pinned_until"),
    }


def history_json(customer: membership.Customer, found: pb.ListLevelChangesResponse) -> Json:
    """As in CustomerLevelHistory."""
    return level_of_json(customer) | {
        "items": [
            {
                **_ends(change),
                "cause": word(change.cause, _CAUSE_WORDS),
                "actor": change.actor,
                "reason": change.reason,
                "pinned_until": when_set(change, "pinned_until"),
                "at": when(change.at),
            }
            for change in found.changes
        ],
        "next_page_token": found.next_page_token or None,
    }


def settings_json(settings: pb.PointsSettings) -> Json:
    """As in PointsSettings."""
    return {
        "earn_per_unit": settings.earn_per_unit,
        "redeem_per_unit": settings.redeem_per_unit,
        "validity_months": settings.validity_months,
        "rounding": word(settings.rounding, _ROUNDING_WORDS),
        "version": settings.version,
    }


def expiring_json(found: pb.ListExpiringPointsResponse, first: bool) -> Json:
    """As in ExpiringPointsList."""
    return {
        "items": [
            {
                "customer_id": item.customer_id,
                "customer_name": item.customer_name,
                "points": item.points,
                "expires_at": when(item.expires_at),
            }
            for item in found.items
        ],
        "next_page_token": found.next_page_token or None,
        "points_total": found.points_total if first else None,
        "customers_total": found.customers_total if first else None,
    }


def _ends(change: pb.LevelStep | pb.LevelMove | pb.LevelChange) -> Json:
    return {"from_level": change.from_level_name or None, "to_level": change.to_level_name or None}
