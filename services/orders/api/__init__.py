"""gRPC of the orders service: request → command or query → response. Each contract has its module."""

from __future__ import annotations

from grpc import aio

from onefold.orders.v1 import (
    bulk_pb2_grpc,
    carts_pb2_grpc,
    contacts_pb2_grpc,
    items_pb2_grpc,
    merging_pb2_grpc,
    payments_pb2_grpc,
    service_pb2_grpc,
    spend_pb2_grpc,
)
from services.orders import commands
from services.orders.api.bulk import BulkApi
from services.orders.api.carts import CartsApi
from services.orders.api.contacts import ContactsApi
from services.orders.api.items import ItemsApi
from services.orders.api.orders import OrdersApi
from services.orders.api.payments import PaymentApi
from services.orders.api.relinking import RelinkingApi
from services.orders.api.spend import SpendApi


def register(context: commands.Context, server: aio.Server) -> None:
    """Puts every contract of this service on the server."""
    service_pb2_grpc.add_OrdersServiceServicer_to_server(OrdersApi(context), server)
    bulk_pb2_grpc.add_BulkServiceServicer_to_server(BulkApi(context), server)
    items_pb2_grpc.add_ItemServiceServicer_to_server(ItemsApi(context), server)
    carts_pb2_grpc.add_CartServiceServicer_to_server(CartsApi(context), server)
    merging_pb2_grpc.add_RelinkingServiceServicer_to_server(RelinkingApi(context), server)
    contacts_pb2_grpc.add_ContactsServiceServicer_to_server(ContactsApi(context), server)
    payments_pb2_grpc.add_PaymentServiceServicer_to_server(PaymentApi(context), server)
    spend_pb2_grpc.add_SpendServiceServicer_to_server(SpendApi(context), server)
