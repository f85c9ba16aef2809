"""Orders: request → command or query → response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from google.protobuf.message import Message
from grpc import aio

from onefold.orders.v1 import service_pb2 as pb
from onefold.orders.v1 import service_pb2_grpc
from services.common import rpc
from services.common.contact import Contact
from services.common.errors import InvalidInput
from services.common.ids import parse_id
from services.common.wire import address_value, moment
from services.orders import commands, queries
from services.orders.domain import MOST_CUSTOMERS, Draft, Filter, Line, Order, PaymentMethod, read_filter
from services.orders.events import change_message, to_proto

Context = aio.ServicerContext[object, object]
R = TypeVar("R", bound=Message)


class OrdersApi(service_pb2_grpc.OrdersServiceServicer):
    """OrdersService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def CreateOrder(self, request: pb.CreateOrderRequest, _: Context) -> pb.CreateOrderResponse:
        answer = pb.CreateOrderResponse()

        def written_down(order: Order) -> pb.CreateOrderResponse:
            # Beside the order for repeats of the call; making it twice would be a tenth of the whole call.
            answer.order.CopyFrom(to_proto(order, whole=True))
            return answer

        await commands.create_order(self._context, rpc.caller(), rpc.once(request, written_down), draft_of(request))
        return answer

    async def GetOrder(self, request: pb.GetOrderRequest, _: Context) -> pb.GetOrderResponse:
        order = await queries.get_order(self._context.database, rpc.caller(), parse_id(request.order_id, "order_id"))
        return pb.GetOrderResponse(order=to_proto(order, whole=True))

    async def ListOrders(self, request: pb.ListOrdersRequest, _: Context) -> pb.ListOrdersResponse:
        page = await queries.list_orders(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            list_filter(request),
        )
        return pb.ListOrdersResponse(
            orders=[to_proto(order, whole=False) for order in page.items], next_page_token=page.next_token
        )

    async def ConfirmPayment(self, request: pb.ConfirmPaymentRequest, _: Context) -> pb.ConfirmPaymentResponse:
        answer = _with_order(pb.ConfirmPaymentResponse)
        order = await commands.confirm_payment(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
            request.method or PaymentMethod.OTHER,
            request.reference,
            request.amount_minor,
        )
        return answer(order)

    async def AdvanceOrder(self, request: pb.AdvanceOrderRequest, _: Context) -> pb.AdvanceOrderResponse:
        answer = _with_order(pb.AdvanceOrderResponse)
        order = await commands.advance_order(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
            request.status,
            request.tracking,
            request.note,
        )
        return answer(order)

    async def CancelOrder(self, request: pb.CancelOrderRequest, _: Context) -> pb.CancelOrderResponse:
        answer = _with_order(pb.CancelOrderResponse)
        order = await commands.cancel_order(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
            request.reason,
        )
        return answer(order)

    async def RefundOrder(self, request: pb.RefundOrderRequest, _: Context) -> pb.RefundOrderResponse:
        answer = _with_order(pb.RefundOrderResponse)
        order = await commands.refund_order(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
            commands.RefundWish(request.amount_minor, request.method, request.reference, request.reason),
        )
        return answer(order)

    async def EditContact(self, request: pb.EditContactRequest, _: Context) -> pb.EditContactResponse:
        answer = _with_order(pb.EditContactResponse)
        order = await commands.edit_contact(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
            Contact(request.contact.name, request.contact.phone, request.contact.email),
            address_value(request.shipping_address) if request.HasField("shipping_address") else None,
            request.expected_version,
        )
        return answer(order)

    async def ResendOrderEmail(self, request: pb.ResendOrderEmailRequest, _: Context) -> pb.ResendOrderEmailResponse:
        answer = _with_order(pb.ResendOrderEmailResponse)
        order = await commands.resend_email(
            self._context,
            rpc.caller(),
            rpc.once(request, answer),
            parse_id(request.order_id, "order_id"),
        )
        return answer(order)

    async def ListOrderChanges(self, request: pb.ListOrderChangesRequest, _: Context) -> pb.ListOrderChangesResponse:
        page = await queries.list_changes(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            parse_id(request.customer_id, "customer_id"),
        )
        return pb.ListOrderChangesResponse(
            changes=[change_message(change) for change in page.items], next_page_token=page.next_token
        )

    async def SummariseCustomers(
        self, request: pb.SummariseCustomersRequest, _: Context
    ) -> pb.SummariseCustomersResponse:
        ids = read_ids(request.customer_ids, "customer_ids", 5)
        found = await queries.summarise_customers(self._context.database, rpc.caller(), ids)
        return pb.SummariseCustomersResponse(
            customers=[
                pb.CustomerOrders(
                    customer_id=str(i), unpaid_count=found[i][0], settled_count=found[i][1], net_spend_minor=found[i][2]
                )
                for i in ids
            ]
        )

    async def RelinkOrders(self, request: pb.RelinkOrdersRequest, _: Context) -> pb.RelinkOrdersResponse:
        moved, done = await commands.relink_orders(
            self._context,
            rpc.caller(),
            parse_id(request.merge_run_id, "merge_run_id"),
            read_ids(request.merged_ids, "merged_ids", 4),
            parse_id(request.survivor_id, "survivor_id"),
        )
        return pb.RelinkOrdersResponse(moved_count=moved, done=done)


def _with_order(response: Callable[..., R]) -> Callable[[Order], R]:
    """How a response writes the order as it is after the call, for the caller and for repeats of the call."""
    return lambda order: response(order=to_proto(order, whole=True))


def list_filter(request: pb.ListOrdersRequest) -> Filter:
    """What a list is narrowed to. Raises InvalidInput."""
    asked = Filter(
        query=request.query,
        customer_ids=tuple(read_ids(request.customer_ids, "customer_ids", MOST_CUSTOMERS)),
        placed_from=moment(request.placed_from) if request.HasField("placed_from") else None,
        placed_before=moment(request.placed_before) if request.HasField("placed_before") else None,
        total_from=request.total_from_minor if request.HasField("total_from_minor") else None,
        total_to=request.total_to_minor if request.HasField("total_to_minor") else None,
    )
    return read_filter(asked, [status for status in request.statuses if status], list(request.channels))


def read_ids(texts: Sequence[str], field: str, most: int) -> list[UUID]:
    """Ids of a request. Raises InvalidInput (too_large, invalid_id)."""
    if len(texts) > most:
        raise InvalidInput.of(field, "too_large", largest=str(most))
    return [parse_id(text, f"{field}[{n}]") for n, text in enumerate(texts)]


def draft_of(request: pb.CreateOrderRequest) -> Draft:
    """What is asked for, before any rule has looked at it. Raises InvalidInput (invalid_id)."""
    contact = request.contact
    return Draft(
        paid=request.paid,
        customer_id=parse_id(request.customer_id, "customer_id") if request.customer_id else None,
        contact=Contact(contact.name, contact.phone, contact.email),
        add_as_member=request.add_as_member,
        channel=request.channel,
        currency=request.currency,
        lines=[
            Line(
                line.sku,
                line.title,
                line.quantity,
                line.unit_price_minor,
                line.discount_minor,
                parse_id(line.item_id, f"lines[{n}].item_id") if line.item_id else None,
            )
            for n, line in enumerate(request.lines)
        ],
        discount=request.discount_minor,
        shipping=request.shipping_minor,
        shipping_address=address_value(request.shipping_address),
        note=request.note,
        external_reference=request.external_reference,
        placed_at=moment(request.placed_at) if request.HasField("placed_at") else None,
        payment_method=request.payment_method or PaymentMethod.OTHER,
        payment_reference=request.payment_reference,
        language=request.language,
        level_discount=request.level_discount_minor,
        level_name=request.level_name,
        points_redeemed=request.points_redeemed,
        customer_gone=request.customer_gone,
    )
