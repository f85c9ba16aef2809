"""Carts: request → command or query → response."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import carts_pb2 as pb
from onefold.orders.v1 import carts_pb2_grpc
from onefold.orders.v1.service_pb2 import CreateOrderRequest
from services.common import rpc
from services.common.errors import InvalidInput, PermissionDenied
from services.common.idempotency import Once
from services.common.ids import parse_id
from services.common.permissions import ORDERS_WRITE
from services.common.tokens import ServiceClaims
from services.common.wire import timestamp
from services.orders import commands, queries
from services.orders.api.items import item_message
from services.orders.api.orders import draft_of
from services.orders.domain import CartRef, CartWish, Channel, Order, ShownCart, token_hash
from services.orders.events import to_proto

Context = aio.ServicerContext[object, object]


class CartsApi(carts_pb2_grpc.CartServiceServicer):
    """CartService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def GetCart(self, request: pb.GetCartRequest, _: Context) -> pb.GetCartResponse:
        ref = _ref(request.cart)
        if not (ref.cart_id or ref.owned):
            raise InvalidInput.of("cart.cart_id", "required")
        shown = await queries.get_cart(self._context.database, rpc.caller(), ref)
        return pb.GetCartResponse(cart=_message(shown))

    async def ChangeCart(self, request: pb.ChangeCartRequest, _: Context) -> pb.ChangeCartResponse:
        once: Once[ShownCart] = rpc.once(request, lambda shown: pb.ChangeCartResponse(cart=_message(shown)))
        wishes = [
            CartWish(parse_id(line.item_id, f"lines[{n}].item_id"), line.quantity, line.add)
            for n, line in enumerate(request.lines)
        ]
        shown = await commands.change_cart(self._context, rpc.caller(), once, _ref(request.cart), wishes)
        return pb.ChangeCartResponse(cart=_message(shown))

    async def ClaimCart(self, request: pb.ClaimCartRequest, _: Context) -> pb.ClaimCartResponse:
        customer_id = parse_id(request.customer_id, "customer_id")
        shown = await commands.claim_cart(self._context, rpc.caller(), _ref(request.cart), customer_id)
        return pb.ClaimCartResponse(cart=_message(shown))

    async def CheckOutCart(self, request: pb.CheckOutCartRequest, _: Context) -> pb.CheckOutCartResponse:
        ref = _ref(request.cart)
        _check_wishes(rpc.caller(), request.order)
        if request.order.paid:
            raise InvalidInput.of("paid", "unknown_value")
        if not (ref.cart_id or ref.owned):
            raise InvalidInput.of("cart.cart_id", "required")
        request.order.channel = Channel.STOREFRONT.value  # type: ignore[assignment]  # an open enum
        once: Once[Order] = rpc.once(request, _checked_out)
        return _checked_out(
            await commands.check_out_cart(self._context, rpc.caller(), once, ref, draft_of(request.order))
        )


def _check_wishes(claims: ServiceClaims, order: CreateOrderRequest) -> None:
    """Nobody gives discounts to themselves; what a level takes off, the gateway has asked for a member.

    Raises PermissionDenied (permission_denied).
    """
    staffs = order.discount_minor or order.add_as_member or (order.level_discount_minor and not claims.customer_id)
    if claims.is_outsider and staffs:
        raise PermissionDenied("permission_denied", permission=ORDERS_WRITE)


def _checked_out(order: Order) -> pb.CheckOutCartResponse:
    return pb.CheckOutCartResponse(order=to_proto(order, whole=True))


def _ref(ref: pb.CartRef) -> CartRef:
    """Which cart. Customers and visitors have no other than their own, and a visitor's is whoever's that has its token.

    Raises PermissionDenied (permission_denied).
    """
    owner, claims = ref.WhichOneof("owner"), rpc.caller()
    own = owner == "visitor_token" or (owner == "customer_id" and ref.customer_id == claims.customer_id)
    if claims.is_outsider and not own:
        raise PermissionDenied("permission_denied")
    return CartRef(
        parse_id(ref.cart_id, "cart_id") if ref.cart_id else None,
        token_hash(ref.visitor_token) if owner == "visitor_token" else None,
        parse_id(ref.customer_id, "customer_id") if owner == "customer_id" else None,
    )


def _message(shown: ShownCart | None) -> pb.Cart | None:
    if shown is None:
        return None
    cart = shown.cart
    return pb.Cart(
        cart_id=str(cart.cart_id),
        state=pb.CartState.ValueType(cart.state),
        customer_id=str(cart.customer_id or ""),
        lines=[
            pb.CartLine(
                item=item_message(item),
                quantity=line.quantity,
                seen_price_minor=line.seen_price,
                total_minor=line.quantity * item.unit_price,
                sold=item.on_sale_online,
            )
            for line, item in shown.lines
        ],
        subtotal_minor=shown.subtotal,
        changed_at=timestamp(cart.changed_at),
        version=cart.version,
        order_id=str(cart.order_id or ""),
    )
