"""/levels, /points-settings, /points/expiring and a customer's level (B1-B3, B6)."""

from __future__ import annotations

from flask import Response
from flask_openapi3.models.tag import Tag

from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.customers import CustomerPath, of_customer
from gateway.api.fields import IdempotencyHeader, PageQuery
from gateway.api.level_models import (
    CustomerLevel,
    CustomerLevelHistory,
    CustomerLevelIn,
    ExpiringPointsList,
    LevelRules,
    LevelRulesIn,
    LevelRulesSave,
    LevelRun,
    LevelRunPath,
    PointsSettings,
    PointsSettingsIn,
    Simulation,
    SimulationQuery,
    expiring_json,
    history_json,
    level_of_json,
    rules_json,
    run_json,
    settings_json,
    simulation_json,
)
from gateway.clients import services
from onefold.membership.v1 import levels_pb2 as pb
from onefold.membership.v1 import service_pb2 as membership
from services.common import permissions
from services.common.errors import Conflict

_TAGS = [Tag(name="Levels and points", description="Membership levels, what they give, and how points work.")]
# A store of a million members is gone through whole.
PATIENCE_SECONDS = 14.0


@blueprint.get("/levels", tags=_TAGS, responses={200: LevelRules})
@checked(permissions.MEMBERS_READ)
def get_levels() -> Response:
    """Read the store's levels (B1)"""
    return answer(rules_json(services().levels.get(pb.GetLevelsRequest()).rules))


@blueprint.post("/levels/simulate", tags=_TAGS, responses={200: Simulation})
@checked(permissions.LEVELS_WRITE)
def simulate_levels(header: IdempotencyHeader, query: SimulationQuery, body: LevelRulesIn) -> Response:
    """Say who would go up and who down under other rules (B6)

    Nothing is written; the Idempotency-Key is asked for as everywhere, and not used.
    """
    request = pb.SimulateLevelsRequest(rules=body.message(), page=query.page(), down=query.down)
    return answer(simulation_json(services().levels.simulate(request, seconds=PATIENCE_SECONDS)))


@blueprint.put("/levels", tags=_TAGS, responses={202: LevelRun})
@checked(permissions.LEVELS_WRITE)
def save_levels(header: IdempotencyHeader, body: LevelRulesSave) -> Response:
    """Save the levels and move exactly those whom the simulation named, or nobody (B6)

    It goes on by itself: within a second in most stores, some minutes among a million members. Ask the run how far it is.
    """
    request = pb.SaveLevelsRequest(rules=body.message(), simulation_hash=read_hash(body.simulation_hash))
    run = services().levels.save(request, key=header.idempotency_key).run
    return created(run_json(run), f"{PREFIX}/levels/runs/{run.run_id}", 202)


@blueprint.get("/levels/runs/<run_id>", tags=_TAGS, responses={200: LevelRun})
@checked(permissions.MEMBERS_READ)
def get_level_run(path: LevelRunPath) -> Response:
    """Watch a saving of levels; `done` and `refused` are its ends"""
    return answer(run_json(services().levels.get_run(pb.GetLevelRunRequest(run_id=path.run_id)).run))


def read_hash(text: str) -> bytes:
    """A simulation's hash as it was given. Raises Conflict (stale_simulation) for what is none."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Conflict("stale_simulation", "not a simulation's hash") from None


@blueprint.get("/customers/<customer_id>/level", tags=_TAGS, responses={200: CustomerLevelHistory})
@checked(permissions.MEMBERS_READ)
def get_customer_level(path: CustomerPath, query: PageQuery) -> Response:
    """Read a customer's level and every change of it (B3)"""
    request = membership.GetCustomerRequest(customer_id=path.customer_id)
    customer = services().membership.get_customer(request).customer
    changes = pb.ListLevelChangesRequest(customer_id=path.customer_id, page=query.page())
    history = history_json(customer, services().levels.list_changes(changes))
    return answer(history | {"customer_id": customer.customer_id})


@blueprint.put("/customers/<customer_id>/level", tags=_TAGS, responses={200: CustomerLevel})
@checked(permissions.MEMBERS_WRITE)
def set_customer_level(header: IdempotencyHeader, path: CustomerPath, body: CustomerLevelIn) -> Response:
    """Put a member into a level by hand (B3)"""
    request = pb.SetCustomerLevelRequest(
        customer_id=path.customer_id,
        level_id=str(body.level_id) if body.level_id else "",
        reason=body.reason,
        pinned_until=body.pinned_until,
    )
    level = services().levels.set_of_customer(request, key=header.idempotency_key)
    return answer(of_customer(path.customer_id, level_of_json(level)))


@blueprint.get("/points-settings", tags=_TAGS, responses={200: PointsSettings})
@checked(permissions.MEMBERS_READ)
def get_points_settings() -> Response:
    """Read how points are earned, redeemed and run out (B2)"""
    return answer(settings_json(services().levels.get_points_settings(pb.GetPointsSettingsRequest()).settings))


@blueprint.put("/points-settings", tags=_TAGS, responses={200: PointsSettings})
@checked(permissions.LEVELS_WRITE)
def save_points_settings(header: IdempotencyHeader, body: PointsSettingsIn) -> Response:
    """Change how points are earned from now on (B2)"""
    request = pb.SavePointsSettingsRequest(settings=body.message())
    return answer(settings_json(services().levels.save_points_settings(request, key=header.idempotency_key).settings))


@blueprint.get("/points/expiring", tags=_TAGS, responses={200: ExpiringPointsList})
@checked(permissions.MEMBERS_READ)
def list_expiring_points(query: PageQuery) -> Response:
    """List points that run out within 30 days (B2)"""
    found = services().levels.list_expiring_points(pb.ListExpiringPointsRequest(page=query.page()))
    return answer(expiring_json(found, not query.page_token))
