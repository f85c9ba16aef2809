"""gRPC of levels and points settings."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from grpc import aio

from onefold.membership.v1 import levels_pb2 as pb
from onefold.membership.v1 import levels_pb2_grpc
from services.common import rpc
from services.common.ids import NIL, parse_id
from services.common.wire import timestamp
from services.membership import commands, store
from services.membership.domain import Customer, Level, LevelRules, LevelRun, PointsSettings, Step
from services.membership.queries import levels as queries

Context = aio.ServicerContext[object, object]


class LevelsApi(levels_pb2_grpc.LevelsServiceServicer):
    """LevelsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def GetLevels(self, _request: pb.GetLevelsRequest, _: Context) -> pb.GetLevelsResponse:
        rules = await queries.get_rules(self._context.database, rpc.caller())
        return pb.GetLevelsResponse(rules=_rules_message(rules))

    async def SimulateLevels(self, request: pb.SimulateLevelsRequest, _: Context) -> pb.SimulateLevelsResponse:
        page, asked = request.page, _rules(request.rules)
        found = await queries.simulate_rules(
            self._context.database, rpc.caller(), asked, request.down, page.size, page.token
        )
        return pb.SimulateLevelsResponse(
            simulation_hash=found.hash,
            up_count=sum(step.members for step in found.steps if not step.down),
            down_count=sum(step.members for step in found.steps if step.down),
            steps=_step_messages(found.steps),
            moves=[_move_message(*move) for move in found.moves.items],
            next_page_token=found.moves.next_token,
        )

    async def SaveLevels(self, request: pb.SaveLevelsRequest, _: Context) -> pb.SaveLevelsResponse:
        run = await commands.save_rules(
            self._context,
            rpc.caller(),
            rpc.once(request, _queued_message),
            _rules(request.rules),
            request.simulation_hash,
        )
        return _queued_message(run)

    async def GetLevelRun(self, request: pb.GetLevelRunRequest, _: Context) -> pb.GetLevelRunResponse:
        run = await queries.get_run(self._context.database, rpc.caller(), parse_id(request.run_id, "run_id"))
        return pb.GetLevelRunResponse(run=_run_message(run))

    async def SetCustomerLevel(self, request: pb.SetCustomerLevelRequest, _: Context) -> pb.SetCustomerLevelResponse:
        customer = await commands.set_customer_level(
            self._context,
            rpc.caller(),
            rpc.once(request, _level_of_message),
            parse_id(request.customer_id, "customer_id"),
            parse_id(request.level_id, "level_id") if request.level_id else None,
            request.reason,
            request.pinned_until,
        )
        return _level_of_message(customer)

    async def ListLevelChanges(self, request: pb.ListLevelChangesRequest, _: Context) -> pb.ListLevelChangesResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        found = await queries.list_level_changes(
            self._context.database, rpc.caller(), request.page.size, request.page.token, customer_id
        )
        return pb.ListLevelChangesResponse(
            changes=[_change_message(change) for change in found.items], next_page_token=found.next_token
        )

    async def GetPointsSettings(
        self, _request: pb.GetPointsSettingsRequest, _: Context
    ) -> pb.GetPointsSettingsResponse:
        settings = await queries.get_points_settings(self._context.database, rpc.caller())
        return pb.GetPointsSettingsResponse(settings=_settings_message(settings))

    async def SavePointsSettings(
        self, request: pb.SavePointsSettingsRequest, _: Context
    ) -> pb.SavePointsSettingsResponse:
        def answer(settings: PointsSettings) -> pb.SavePointsSettingsResponse:
            return pb.SavePointsSettingsResponse(settings=_settings_message(settings))

        saved = await commands.save_points_settings(
            self._context, rpc.caller(), rpc.once(request, answer), _settings(request.settings)
        )
        return answer(saved)

    async def ListExpiringPoints(
        self, request: pb.ListExpiringPointsRequest, _: Context
    ) -> pb.ListExpiringPointsResponse:
        found = await queries.list_expiring(self._context.database, rpc.caller(), request.page.size, request.page.token)
        return pb.ListExpiringPointsResponse(
            items=[_expiring_message(item) for item in found.page.items],
            next_page_token=found.page.next_token,
            points_total=found.points,
            customers_total=found.customers,
        )


def _rules(message: pb.LevelRules) -> LevelRules:
    levels = [
        Level(
            level_id=parse_id(level.level_id, f"levels[{n}].level_id") if level.level_id else NIL,
            name=level.name,
            threshold=level.threshold_minor,
            discount=level.discount_percent,
            multiplier=level.points_multiplier_percent,
            birthday_points=level.birthday_points,
            validity_months=level.validity_months,
            lapse=int(level.lapse),
        )
        for n, level in enumerate(message.levels[:100])
    ]
    return LevelRules(int(message.basis), levels, message.version)


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


def _step_messages(steps: Sequence[Step]) -> list[pb.LevelStep]:
    return [
        pb.LevelStep(from_level_name=s.from_name, to_level_name=s.to_name, down=s.down, members=s.members)
        for s in steps
    ]


def _move_message(customer_id: UUID, name: str, from_name: str, to_name: str) -> pb.LevelMove:
    return pb.LevelMove(
        customer_id=str(customer_id), customer_name=name, from_level_name=from_name, to_level_name=to_name
    )


def _queued_message(run: LevelRun) -> pb.SaveLevelsResponse:
    return pb.SaveLevelsResponse(run=_run_message(run))


def _run_message(run: LevelRun) -> pb.LevelRun:
    return pb.LevelRun(
        run_id=str(run.run_id),
        state=pb.LevelRunState.ValueType(run.state),
        done=run.done,
        total=run.total,
        up_count=run.up,
        down_count=run.down,
        refusal=run.refusal,
        requested_by=run.requested_by,
        requested_at=timestamp(run.requested_at),
        started_at=timestamp(run.started_at),
        finished_at=timestamp(run.finished_at),
    )


def _level_of_message(customer: Customer) -> pb.SetCustomerLevelResponse:
    return pb.SetCustomerLevelResponse(
        level_id=str(customer.level_id) if customer.level_id else "",
        level_name=customer.level_name,
        level_until=timestamp(customer.level_until),
        level_pinned_until=timestamp(customer.level_pinned_until),
    )


def _change_message(change: store.LevelChange) -> pb.LevelChange:
    return pb.LevelChange(
        from_level_id=str(change.from_id) if change.from_id else "",
        from_level_name=change.from_name,
        to_level_id=str(change.to_id) if change.to_id else "",
        to_level_name=change.to_name,
        cause=pb.LevelCause.ValueType(change.cause),
        actor=change.actor,
        reason=change.reason,
        pinned_until=timestamp(change.pinned_until),
        at=timestamp(change.at),
    )


def _settings(message: pb.PointsSettings) -> PointsSettings:
    return PointsSettings(
        earn_per_unit=message.earn_per_unit,
        redeem_per_unit=message.redeem_per_unit,
        validity_months=message.validity_months,
        rounding=int(message.rounding),
        version=message.version,
    )


def _settings_message(settings: PointsSettings) -> pb.PointsSettings:
    return pb.PointsSettings(
        earn_per_unit=settings.earn_per_unit,
        redeem_per_unit=settings.redeem_per_unit,
        validity_months=settings.validity_months,
        rounding=pb.PointsRounding.ValueType(settings.rounding),
        version=settings.version,
    )


def _expiring_message(item: store.Expiring) -> pb.ExpiringPoints:
    return pb.ExpiringPoints(
        customer_id=str(item.customer_id),
        customer_name=item.name,
        points=item.points,
        expires_at=timestamp(item.expires_at),
    )
