"""What the console asks about levels and points settings."""

from __future__ import annotations

import time

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import levels_pb2 as pb

# A store of a million members is gone through whole.
_PATIENCE_SECONDS = 14.0
# How long a page waits for a run before it shows how far it is.
_SHORTLY_SECONDS = 2.0
_LOOK_SECONDS = 0.1


def rules() -> pb.LevelRules:
    """The store's levels."""
    return services().levels.get(pb.GetLevelsRequest()).rules


def simulate(rules: pb.LevelRules, *, down: bool = False, token: str = "") -> pb.SimulateLevelsResponse:
    """Who would go up and who down."""
    wish = pb.SimulateLevelsRequest(rules=rules, down=down, page=PageRequest(size=25, token=token))
    return services().levels.simulate(wish, seconds=_PATIENCE_SECONDS)


def save(rules: pb.LevelRules, seen: bytes, key: str) -> pb.LevelRun:
    """The run that saves the rules; in most stores it is at its end already, for that is waited for a little."""
    found = services().levels.save(pb.SaveLevelsRequest(rules=rules, simulation_hash=seen), key=key).run
    until = time.monotonic() + _SHORTLY_SECONDS
    while not is_over(found) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = run(found.run_id)
    return found


def run(run_id: str) -> pb.LevelRun:
    """A saving of rules as it stands."""
    return services().levels.get_run(pb.GetLevelRunRequest(run_id=run_id)).run


def is_over(found: pb.LevelRun) -> bool:
    """Whether it is done or refused."""
    return found.state in (pb.LEVEL_RUN_STATE_DONE, pb.LEVEL_RUN_STATE_REFUSED)


def set_level(wish: pb.SetCustomerLevelRequest, key: str) -> str:
    """The name of the member's level afterwards."""
    return services().levels.set_of_customer(wish, key=key).level_name


def changes(customer_id: str, token: str = "", size: int = 5) -> pb.ListLevelChangesResponse:
    """A page of a member's history, newest first."""
    page = PageRequest(size=size, token=token)
    return services().levels.list_changes(pb.ListLevelChangesRequest(customer_id=customer_id, page=page))


def points_settings() -> pb.PointsSettings:
    """How points are earned, redeemed and run out."""
    return services().levels.get_points_settings(pb.GetPointsSettingsRequest()).settings


def save_points_settings(settings: pb.PointsSettings, key: str) -> pb.PointsSettings:
    """The settings as saved."""
    wish = pb.SavePointsSettingsRequest(settings=settings)
    return services().levels.save_points_settings(wish, key=key).settings


def expiring(token: str = "") -> pb.ListExpiringPointsResponse:
    """A page of points that run out within 30 days."""
    return services().levels.list_expiring_points(pb.ListExpiringPointsRequest(page=PageRequest(token=token)))
