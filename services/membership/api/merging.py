"""MergingService of the contract, and merges as it writes them."""

from __future__ import annotations

from grpc import aio

from onefold.membership.v1 import merging_pb2 as pb
from onefold.membership.v1 import merging_pb2_grpc
from onefold.membership.v1 import service_pb2 as service
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.membership import commands, queries
from services.membership.domain import MERGE_RULES, Fact, FieldOutcome, MergeRecord

Context = aio.ServicerContext[object, object]


class MergingApi(merging_pb2_grpc.MergingServiceServicer):
    """The rules of merges, and their records."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def ListMergeRules(self, _request: pb.ListMergeRulesRequest, _: Context) -> pb.ListMergeRulesResponse:
        rules = [pb.MergeRule(field=rule.kind, way=rule.way.value, service=rule.service) for rule in MERGE_RULES]
        return pb.ListMergeRulesResponse(rules=rules)

    async def GetMergeRecord(self, request: pb.GetMergeRecordRequest, _: Context) -> pb.GetMergeRecordResponse:
        run_id = parse_id(request.merge_run_id, "merge_run_id")
        record = await queries.merge_record(self._context.database, rpc.caller(), run_id)
        return pb.GetMergeRecordResponse(record=_record_message(record))


def fact_message(fact: Fact) -> service.AccountFact:
    """For the wire."""
    return service.AccountFact(field=fact.kind, value=fact.value, customer_id=str(fact.customer_id))


def field_message(field: FieldOutcome) -> service.FieldOutcome:
    """For the wire."""
    return service.FieldOutcome(
        field=field.field, value=field.value, from_customer_id=str(field.from_customer_id or "")
    )


def _record_message(record: MergeRecord) -> pb.MergeRecord:
    merge = record.merge
    return pb.MergeRecord(
        merge_run_id=str(record.merge_run_id),
        primary_id=str(merge.primary_id),
        merged_ids=[str(i) for i in merge.merged_ids],
        earlier_ids=[str(i) for i in record.earlier_ids],
        merged_at=timestamp(record.merged_at),
        actor=record.actor,
        adjustment=service.PointsAdjustment(
            points=merge.points, expires_on=merge.expires_on, description=merge.description
        ),
        facts=[fact_message(fact) for fact in record.facts],
        fields=[field_message(field) for field in record.fields],
        forgotten=record.forgotten,
    )
