"""gRPC of lists, saved filters and figures: request → command or query → response."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc import aio

from onefold.membership.v1 import directory_pb2 as pb
from onefold.membership.v1 import directory_pb2_grpc
from services.common import rpc
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.membership import commands, queries
from services.membership.api.messages import customer_message
from services.membership.api.reckoner import Reckoner
from services.membership.domain import Overview, SavedFilter, Wish, read_wish

Context = aio.ServicerContext[object, object]


class DirectoryApi(directory_pb2_grpc.DirectoryServiceServicer):
    """DirectoryService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context
        self._reckoner = Reckoner(context)

    async def ListCustomers(self, request: pb.ListCustomersRequest, _: Context) -> pb.ListCustomersResponse:
        found = await queries.list_customers(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            _wish(request.filter, request.sort),
        )
        return pb.ListCustomersResponse(
            customers=[customer_message(customer) for customer in found.page.items],
            next_page_token=found.page.next_token,
            members_total=await self._reckoner.members_total(rpc.caller(), found.members_total),
        )

    async def SaveFilter(self, request: pb.SaveFilterRequest, _: Context) -> pb.SaveFilterResponse:
        once: Once[SavedFilter] = rpc.once(
            request, lambda saved: pb.SaveFilterResponse(saved_filter=_saved_message(saved))
        )
        wish = _wish(request.filter, request.sort)
        saved = await commands.save_filter(self._context, rpc.caller(), once, request.name, wish)
        return pb.SaveFilterResponse(saved_filter=_saved_message(saved))

    async def RenameFilter(self, request: pb.RenameFilterRequest, _: Context) -> pb.RenameFilterResponse:
        once: Once[SavedFilter] = rpc.once(
            request, lambda saved: pb.RenameFilterResponse(saved_filter=_saved_message(saved))
        )
        filter_id = parse_id(request.filter_id, "filter_id")
        saved = await commands.rename_filter(self._context, rpc.caller(), once, filter_id, request.name)
        return pb.RenameFilterResponse(saved_filter=_saved_message(saved))

    async def ChangeFilter(self, request: pb.ChangeFilterRequest, _: Context) -> pb.ChangeFilterResponse:
        once: Once[SavedFilter] = rpc.once(
            request, lambda saved: pb.ChangeFilterResponse(saved_filter=_saved_message(saved))
        )
        saved = await commands.change_filter(
            self._context,
            rpc.caller(),
            once,
            parse_id(request.filter_id, "filter_id"),
            request.name,
            _wish(request.filter, request.sort),
            request.expected_version,
        )
        return pb.ChangeFilterResponse(saved_filter=_saved_message(saved))

    async def DeleteFilter(self, request: pb.DeleteFilterRequest, _: Context) -> pb.DeleteFilterResponse:
        once = rpc.once(request, _nothing)
        await commands.delete_filter(self._context, rpc.caller(), once, parse_id(request.filter_id, "filter_id"))
        return pb.DeleteFilterResponse()

    async def GetFilter(self, request: pb.GetFilterRequest, _: Context) -> pb.GetFilterResponse:
        filter_id = parse_id(request.filter_id, "filter_id")
        saved = await queries.get_filter(self._context.database, rpc.caller(), filter_id)
        return pb.GetFilterResponse(saved_filter=_saved_message(saved))

    async def ListFilters(self, request: pb.ListFiltersRequest, _: Context) -> pb.ListFiltersResponse:
        page = await queries.list_filters(self._context.database, rpc.caller(), request.page.size, request.page.token)
        return pb.ListFiltersResponse(
            saved_filters=[_saved_message(saved) for saved in page.items], next_page_token=page.next_token
        )

    async def GetOverview(self, request: pb.GetOverviewRequest, _: Context) -> pb.GetOverviewResponse:
        return _overview_message(await self._reckoner.overview(rpc.caller()))


def _nothing(_: None) -> Message:
    return pb.DeleteFilterResponse()


def _wish(filter_: pb.CustomerFilter, sort: int) -> Wish:
    fields = {
        "query": filter_.query,
        "level_ids": tuple(
            parse_id(level, f"filter.level_ids[{n}]") for n, level in enumerate(filter_.level_ids[:100])
        ),
        "without_level": filter_.without_level,
        "registered_recently": filter_.registered_recently,
        "cart_unchecked": filter_.cart_unchecked,
        "net_spend_from": filter_.net_spend_from_minor if filter_.HasField("net_spend_from_minor") else None,
        "net_spend_to": filter_.net_spend_to_minor if filter_.HasField("net_spend_to_minor") else None,
        "birthday_month": filter_.birthday_month,
        "tags": tuple(filter_.tags),
    }
    return read_wish(fields, filter_.kind, sort)


def _saved_message(saved: SavedFilter) -> pb.SavedFilter:
    asked = saved.wish.filter
    return pb.SavedFilter(
        filter_id=str(saved.filter_id),
        name=saved.name,
        filter=pb.CustomerFilter(
            query=asked.query,
            kind=pb.CustomerKind.ValueType(asked.kind),
            level_ids=[str(level) for level in asked.level_ids],
            without_level=asked.without_level,
            registered_recently=asked.registered_recently,
            cart_unchecked=asked.cart_unchecked,
            net_spend_from_minor=asked.net_spend_from,
            net_spend_to_minor=asked.net_spend_to,
            birthday_month=asked.birthday_month,
            tags=asked.tags,
        ),
        sort=pb.CustomerSort.ValueType(saved.wish.sort),
        created_by=saved.created_by,
        created_at=timestamp(saved.created_at),
        version=saved.version,
    )


def _overview_message(overview: Overview) -> pb.GetOverviewResponse:
    figures = overview.figures
    return pb.GetOverviewResponse(
        reckoned_at=timestamp(overview.reckoned_at),
        members=figures.members,
        new_members=figures.new_members,
        guests=figures.guests,
        levels=[pb.LevelCount(level_id=str(level or ""), members=members) for level, members in figures.levels.items()],
        points_outstanding=figures.points_outstanding,
        points_expiring_soon=figures.points_expiring_soon,
        months=[
            pb.MonthlySpend(month=month.month, net_spend_minor=month.net_spend, orders=month.orders)
            for month in figures.months
        ],
        expiring=[pb.ExpiringMonth(month=month, points=points) for month, points in figures.expiring.items()],
    )
