"""What becomes of orders when a process is killed meanwhile."""

from __future__ import annotations

import uuid

from tests.faults.client import somebody
from tests.faults.flows import Flow


class Ending(Flow):
    """A paid order is shipped and refunded in part, an unpaid one cancelled (E1)."""

    repeatable = False

    def prepare(self) -> None:
        self.keys = [str(uuid.uuid4()) for _ in range(3)]
        self.member_id = self.shop.member(somebody())
        self.paid = self.shop.orders_of(self.member_id)[0]["order_id"]
        self.unpaid = self.shop.order(self.member_id, paid=False)["order_id"]

    def run(self) -> None:
        steps = (
            (f"/orders/{self.paid}/status", {"status": "shipped", "tracking": "SF 1"}),
            (f"/orders/{self.unpaid}/cancellation", {"reason": "no answer"}),
            (f"/orders/{self.paid}/refunds", {"amount_minor": 2_500, "method": "cash"}),
        )
        for (path, body), key in zip(steps, self.keys, strict=True):
            self.shop.api.sure("POST", path, body, key=key)

    def check(self) -> None:
        self.run()  # the same keys change nothing more (E7)
        order = self.shop.api.get(f"/orders/{self.paid}")
        assert (order["status"], order["refunded_minor"], len(order["refunds"])) == ("shipped", 2_500, 1)
        assert self.shop.api.get(f"/orders/{self.unpaid}")["status"] == "cancelled"
        member = self.shop.customer(self.member_id)
        assert (member["orders_count"], member["net_spend_minor"], member["points_balance"]) == (1, 7_500, 75)


class RunOverOrders(Flow):
    """All orders of two members are refunded by one run (E1, B5)."""

    def prepare(self) -> None:
        self.key = str(uuid.uuid4())
        self.ids = [self.shop.member(somebody()) for _ in range(2)]
        self.orders = [self.shop.orders_of(customer_id)[0]["order_id"] for customer_id in self.ids]

    def run(self) -> None:
        body = {"order_ids": self.orders, "method": "cash"}
        self.started = self.shop.api.sure("POST", "/order-runs/refunds", body, key=self.key)

    def check(self) -> None:
        self.run()  # the same key is the same run (E7)
        run = self.shop.api.get(f"/order-runs/{self.started['run_id']}")
        assert (run["state"], run["done"], run["refused_count"]) == ("done", 2, 0)
        for customer_id, order_id in zip(self.ids, self.orders, strict=True):
            assert len(self.shop.api.get(f"/orders/{order_id}")["refunds"]) == 1
            member = self.shop.customer(customer_id)
            assert (member["net_spend_minor"], member["points_balance"]) == (0, 0)
