"""Payments by a provider: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import payments_pb2 as pb
from onefold.orders.v1 import payments_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.orders import commands
from services.orders.domain import Notice, Order, Provider, ProviderWish
from services.orders.queries import payments as queries

Context = aio.ServicerContext[object, object]


class PaymentApi(payments_pb2_grpc.PaymentServiceServicer):
    """PaymentService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def StartCheckout(self, request: pb.StartCheckoutRequest, _: Context) -> pb.StartCheckoutResponse:
        order_id = parse_id(request.order_id, "order_id")
        checkout, provider = await commands.start_checkout(
            self._context, rpc.caller(), order_id, request.return_address
        )
        return pb.StartCheckoutResponse(address=checkout.address, provider_name=provider.name)

    async def ReceiveNotice(self, request: pb.ReceiveNoticeRequest, _: Context) -> pb.ReceiveNoticeResponse:
        provider_id = parse_id(request.provider_id, "provider_id")
        notice_id, state = await commands.receive_notice(self._context, provider_id, request.body, request.signature)
        return pb.ReceiveNoticeResponse(notice_id=str(notice_id), state=pb.NoticeState.ValueType(state))

    async def SetProvider(self, request: pb.SetProviderRequest, _: Context) -> pb.SetProviderResponse:
        def written_down(provider: Provider) -> pb.SetProviderResponse:
            return pb.SetProviderResponse(provider=_provider_message(provider))

        wish = ProviderWish(request.kind, request.name, request.active, request.api_key, request.webhook_secret)
        once = rpc.once(request, written_down)
        return written_down(await commands.set_provider(self._context, rpc.caller(), once, wish))

    async def GetProviders(self, request: pb.GetProvidersRequest, _: Context) -> pb.GetProvidersResponse:
        found = await queries.get_providers(self._context.database, rpc.caller(), self._context.providers.kinds)
        if rpc.caller().is_outsider:  # what it is called, where there is one
            return pb.GetProvidersResponse(
                providers=[pb.Provider(name=provider.name, active=True) for provider in found if provider.active]
            )
        return pb.GetProvidersResponse(providers=[_provider_message(provider) for provider in found])

    async def TestProvider(self, request: pb.TestProviderRequest, _: Context) -> pb.TestProviderResponse:
        await commands.test_provider(self._context, rpc.caller(), request.kind)
        return pb.TestProviderResponse()

    async def ListNotices(self, request: pb.ListNoticesRequest, _: Context) -> pb.ListNoticesResponse:
        order_id = parse_id(request.order_id, "order_id") if request.order_id else None
        page = await queries.list_notices(
            self._context.database, rpc.caller(), request.page.size, request.page.token, order_id
        )
        return pb.ListNoticesResponse(
            notices=[_notice_message(notice) for notice in page.items], next_page_token=page.next_token
        )

    async def SettleNotice(self, request: pb.SettleNoticeRequest, _: Context) -> pb.SettleNoticeResponse:
        def written_down(notice: Notice) -> pb.SettleNoticeResponse:
            return pb.SettleNoticeResponse(notice=_notice_message(notice))

        notice = await commands.settle_notice(
            self._context,
            rpc.caller(),
            rpc.once(request, written_down),
            parse_id(request.notice_id, "notice_id"),
            request.settlement,
            request.note,
        )
        return written_down(notice)

    async def RetryRefund(self, request: pb.RetryRefundRequest, _: Context) -> pb.RetryRefundResponse:
        def written_down(_: Order) -> pb.RetryRefundResponse:
            return pb.RetryRefundResponse()

        order = await commands.retry_refund(
            self._context,
            rpc.caller(),
            rpc.once(request, written_down),
            parse_id(request.order_id, "order_id"),
            parse_id(request.refund_id, "refund_id"),
        )
        return written_down(order)


def _provider_message(provider: Provider) -> pb.Provider:
    """Whether there are secrets, and never which."""
    return pb.Provider(
        provider_id=str(provider.provider_id),
        kind=pb.ProviderKind.ValueType(provider.kind),
        name=provider.name,
        active=provider.active,
        has_api_key=bool(provider.api_key),
        has_webhook_secret=bool(provider.webhook_secret),
        changed_at=timestamp(provider.changed_at),
        notice_at=timestamp(provider.notice_at),
    )


def _notice_message(notice: Notice) -> pb.Notice:
    told = notice.told
    return pb.Notice(
        notice_id=str(notice.notice_id),
        provider_id=str(notice.provider_id),
        provider_name=notice.provider_name,
        type=told.type,
        event_id=told.event_id,
        state=pb.NoticeState.ValueType(notice.state),
        reason=notice.reason,
        order_id=str(told.order_id or "") if notice.order_number else "",
        order_number=notice.order_number,
        amount_minor=told.amount,
        currency=told.currency,
        reference=told.reference,
        received_at=timestamp(notice.received_at),
        settled_at=timestamp(notice.settled_at),
        settled_by=notice.settled_by,
        note=notice.note,
        can_give_back=notice.can_give_back,
    )
