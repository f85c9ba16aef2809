"""What becomes of many merges when a process is killed meanwhile."""

from __future__ import annotations

import uuid

from tests.faults.client import somebody
from tests.faults.flows import Flow


class MergeOfMany(Flow):
    """Two groups are merged from one list, a third that names one of their accounts is not (F1, F9)."""

    def prepare(self) -> None:
        self.key = str(uuid.uuid4())
        a, b, c, d = self.ids = [self.shop.member(somebody()) for _ in range(4)]
        pairs = ((a, b), (c, d), (b, c))
        self.body = {"groups": [{"primary_id": one, "other_ids": [other]} for one, other in pairs], "start": True}

    def run(self) -> None:
        self.batch = self.shop.api.sure("POST", "/merge-batches", self.body, key=self.key)

    def check(self) -> None:
        self.run()  # the same key is the same batch (E7)
        done = self.shop.batch_in(self.batch["batch_id"], "done")
        assert (done["merged_count"], done["failed_count"]) == (2, 1)
        for primary, other in (self.ids[:2], self.ids[2:]):
            member = self.shop.customer(other)
            assert (member["customer_id"], member["orders_count"], member["points_balance"]) == (primary, 2, 200)
            assert len(self.shop.api.get(f"/merges?customer_id={primary}")["items"]) == 1
