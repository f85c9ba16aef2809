"""gRPC of levels and points settings."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import levels_pb2 as pb
from onefold.membership.v1 import levels_pb2_grpc
from services.common import rpc
from services.membership import commands
from services.membership.domain import Level, LevelRules, PointsSettings
from services.membership.queries import levels as queries

Context = aio.ServicerContext[object, object]


class LevelsApi(levels_pb2_grpc.LevelsServiceServicer):
    """LevelsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def GetLevels(self, _request: pb.GetLevelsRequest, _: Context) -> pb.GetLevelsResponse:
        rules = await queries.get_rules(self._context.database, rpc.caller())
        return pb.GetLevelsResponse(rules=_rules_message(rules))

    async def GetPointsSettings(
        self, _request: pb.GetPointsSettingsRequest, _: Context
    ) -> pb.GetPointsSettingsResponse:
        settings = await queries.get_points_settings(self._context.database, rpc.caller())
        return pb.GetPointsSettingsResponse(settings=_settings_message(settings))


def _rules_message(rules: LevelRules) -> pb.LevelRules:
    return pb.LevelRules(
        basis=pb.LevelBasis.ValueType(rules.basis),
        levels=[_level_message(level) for level in rules.levels],
        version=rules.version,
    )


def _level_message(level: Level) -> pb.Level:
    return pb.Level(
        level_id=str(level.level_id),
        name=level.name,
        threshold_minor=level.threshold,
        discount_percent=level.discount,
        points_multiplier_percent=level.multiplier,
        birthday_points=level.birthday_points,
        validity_months=level.validity_months,
        lapse=pb.LevelLapse.ValueType(level.lapse),
    )


def _settings_message(settings: PointsSettings) -> pb.PointsSettings:
    return pb.PointsSettings(
        earn_per_unit=settings.earn_per_unit,
        redeem_per_unit=settings.redeem_per_unit,
        validity_months=settings.validity_months,
        rounding=pb.PointsRounding.ValueType(settings.rounding),
        version=settings.version,
    )
