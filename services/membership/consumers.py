"""What the membership service learns from others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.orders.v1 import carts_pb2 as carts
from onefold.orders.v1 import events_pb2 as orders
from onefold.orders.v1 import service_pb2 as orders_pb
from services.common.contact import Contact
from services.common.identifiers import EMAIL, PHONE
from services.common.ids import time_of
from services.common.inbox import Delivered, Subscription
from services.common.wire import address_value, moment
from services.membership import commands
from services.membership.clients import hold_state
from services.membership.domain import Buyer, CartState, OrderState, StoreSettings


async def on_store_changed(
    tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.StoreChanged]]
) -> None:
    """A store is there, or its settings have changed."""
    for event in events:
        told = event.message.store
        settings = StoreSettings(told.region, told.currency, told.timezone, told.language)
        await commands.follow_store(tx, store_id, settings, event.message.version)


async def on_cart_changed(tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[orders.CartChanged]]) -> None:
    """A member's cart is not what it was."""
    await commands.follow_carts(tx, store_id, [_cart(event) for event in events])


def subscriptions(context: commands.Context) -> Mapping[str, Sequence[Subscription]]:
    """What is read of whom."""

    async def on_order(
        tx: AsyncConnection,
        store_id: UUID,
        events: Sequence[
            Delivered[orders.OrderPlaced | orders.OrderPaid | orders.OrderRefunded | orders.OrderCancelled]
        ],
    ) -> None:
        """An order stands, has been paid, has ended unpaid, or money was given back."""
        news = [_news(event.message.order) for event in events]
        await commands.follow_orders(context, tx, store_id, news)
        with_points = (event.message.order for event in events if event.message.order.points_redeemed)
        states = sorted((order.version, UUID(order.order_id), hold_state(order)) for order in with_points)
        await commands.follow_redemptions(tx, store_id, {order_id: state for _, order_id, state in states})

    async def on_login_confirmed(
        tx: AsyncConnection, store_id: UUID, events: Sequence[Delivered[identity_merge.LoginConfirmed]]
    ) -> None:
        """Somebody has proved a login of the online store, and what it is may stand in guest orders."""
        told = [(UUID(event.message.customer_id), event.message, time_of(event.event_id)) for event in events]
        await commands.follow_logins(tx, store_id, [(customer_id, at) for customer_id, _, at in told])
        proofs = [
            (i, login.kind, login.value, at) for i, login, at in told if login.kind in (PHONE, EMAIL) and login.value
        ]
        await commands.note_proofs(context, tx, store_id, proofs)

    return {
        "orders": [
            *(
                Subscription(message, on_order)
                for message in (orders.OrderPlaced, orders.OrderPaid, orders.OrderRefunded, orders.OrderCancelled)
            ),
            Subscription(orders.CartChanged, on_cart_changed),
        ],
        "identity_merge": [
            Subscription(identity_merge.StoreChanged, on_store_changed),
            Subscription(identity_merge.LoginConfirmed, on_login_confirmed),
        ],
    }


def _cart(event: Delivered[orders.CartChanged]) -> CartState:
    told = event.message
    unchecked = told.state == carts.CART_STATE_OPEN and told.lines_count > 0
    left_at = moment(told.changed_at) if unchecked else None
    return CartState(UUID(told.cart_id), UUID(told.customer_id), event.version, left_at)


def _news(order: orders_pb.Order) -> tuple[OrderState, Buyer]:
    """An order's state and its buyer; whether the customer's id was minted with the order shows when it is looked up."""
    order_id, customer_id, placed_at = UUID(order.order_id), UUID(order.customer_id), moment(order.placed_at)
    state = OrderState(
        order_id=order_id,
        customer_id=customer_id,
        version=order.version,
        paid=order.paid_minor,
        refunded=order.refunded_minor,
        placed_at=placed_at,
        paid_at=moment(order.paid_at) if order.HasField("paid_at") else None,
        cancelled=order.status == orders_pb.ORDER_STATUS_CANCELLED,
    )
    buyer = Buyer(
        order_id=order_id,
        customer_id=customer_id,
        new_customer=False,
        contact=Contact(order.contact.name, order.contact.phone, order.contact.email),
        add_as_member=order.add_as_member,
        trusted=order.channel != orders_pb.CHANNEL_STOREFRONT,
        language=order.language,
        shipping_address=address_value(order.shipping_address),
        placed_at=placed_at,
    )
    return state, buyer
