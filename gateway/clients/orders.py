"""What the gateway calls of the orders service."""

from __future__ import annotations

import grpc

from gateway.calls import Method, Tokens
from onefold.orders.v1 import bulk_pb2_grpc as bulk
from onefold.orders.v1 import carts_pb2_grpc as carts
from onefold.orders.v1 import items_pb2_grpc as items
from onefold.orders.v1 import payments_pb2_grpc as payments
from onefold.orders.v1 import service_pb2_grpc as orders
from onefold.orders.v1 import spend_pb2_grpc as spend


class Orders:
    """OrdersService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = orders.OrdersServiceStub(channel)
        self.create = Method(tokens, stub.CreateOrder)
        self.get = Method(tokens, stub.GetOrder)
        self.list = Method(tokens, stub.ListOrders)
        self.list_changes = Method(tokens, stub.ListOrderChanges)
        self.confirm_payment = Method(tokens, stub.ConfirmPayment)
        self.advance = Method(tokens, stub.AdvanceOrder)
        self.cancel = Method(tokens, stub.CancelOrder)
        self.refund = Method(tokens, stub.RefundOrder)
        self.edit_contact = Method(tokens, stub.EditContact)
        self.resend_email = Method(tokens, stub.ResendOrderEmail)
        self.summarise_customers = Method(tokens, stub.SummariseCustomers)


class Bulk:
    """BulkService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = bulk.BulkServiceStub(channel)
        self.count = Method(tokens, stub.CountOrders)
        self.start = Method(tokens, stub.StartBulkRun)
        self.get = Method(tokens, stub.GetBulkRun)
        self.list = Method(tokens, stub.ListBulkRuns)
        self.list_refused = Method(tokens, stub.ListRefusedOrders)


class Items:
    """ItemService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = items.ItemServiceStub(channel)
        self.create = Method(tokens, stub.CreateItem)
        self.change = Method(tokens, stub.ChangeItem)
        self.get = Method(tokens, stub.GetItem)
        self.list = Method(tokens, stub.ListItems)


class Carts:
    """CartService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = carts.CartServiceStub(channel)
        self.get = Method(tokens, stub.GetCart)
        self.change = Method(tokens, stub.ChangeCart)
        self.claim = Method(tokens, stub.ClaimCart)
        self.check_out = Method(tokens, stub.CheckOutCart)


class Payments:
    """PaymentService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        stub = payments.PaymentServiceStub(channel)
        self.start_checkout = Method(tokens, stub.StartCheckout)
        self.receive_notice = Method(tokens, stub.ReceiveNotice)
        self.set_provider = Method(tokens, stub.SetProvider)
        self.get_providers = Method(tokens, stub.GetProviders)
        self.test_provider = Method(tokens, stub.TestProvider)
        self.list_notices = Method(tokens, stub.ListNotices)
        self.settle_notice = Method(tokens, stub.SettleNotice)
        self.retry_refund = Method(tokens, stub.RetryRefund)


class Spend:
    """SpendService."""

    def __init__(self, tokens: Tokens, channel: grpc.Channel) -> None:
        self.explain = Method(tokens, spend.SpendServiceStub(channel).ExplainSpend)
