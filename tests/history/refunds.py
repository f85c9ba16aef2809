"""Random refunds over the history, partial and whole, and net spend explained order by order afterwards (B5)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rich.console import Console

from deploy.local.demo import DemoStore
from deploy.local.state import RunningStack
from tests.history.shop import Refused, Shop

AT_ONCE = 8
# Orders for which money is held, in an order that a seed decides.
PAID = """SELECT order_id, customer_id, paid - refunded AS held FROM orders WHERE paid > refunded
 ORDER BY md5(order_id::text || $1::text) LIMIT $2"""
_MEMBERS_EXPLAINED = 200


def refund_many(running: RunningStack, orders: Sequence[Any], seed: int) -> tuple[int, int]:
    """Refunds each of the orders in part or whole, some of them twice; (refunds, cents given back)."""
    dice, key = random.Random(seed), DemoStore(running).ensure_api_key()
    wishes: list[tuple[str, int]] = []
    for order in orders:
        first = order["held"] if dice.random() < 0.4 else dice.randint(1, order["held"])
        wishes.append((str(order["order_id"]), first))
        if first < order["held"] and dice.random() < 0.3:
            wishes.append((str(order["order_id"]), dice.randint(1, order["held"] - first)))
    shop = Shop(running.gateway_url, key)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        given = list(pool.map(lambda wish: _refund(shop, *wish), wishes))
    return sum(cents > 0 for cents in given), sum(given)


def _refund(shop: Shop, order_id: str, cents: int) -> int:
    try:
        shop.post(f"/orders/{order_id}/refunds", {"amount_minor": cents, "method": "cash", "reason": "history"})
    except Refused as refused:
        if refused.reason not in ("order_not_paid", "nothing_to_refund"):  # somebody else's refund was first
            raise
        return 0
    return cents


def check_explained(running: RunningStack, customers: Sequence[str], console: Console) -> bool:
    """Whether the net spend of these customers is the sum of their orders, to the cent, on every page of the explanation."""
    shop = Shop(running.gateway_url, DemoStore(running).ensure_api_key())
    wrong = [customer_id for customer_id in customers[:_MEMBERS_EXPLAINED] if not _adds_up(shop, customer_id)]
    console.print(
        f"net spend explained order by order: {len(wrong)} of {len(customers[:_MEMBERS_EXPLAINED])} do not add up"
    )
    return not wrong


def _adds_up(shop: Shop, customer_id: str) -> bool:
    items: list[dict[str, Any]] = []
    token: str | None = ""
    while token is not None:
        found = shop.get(f"/customers/{customer_id}/spend", page_size=100, page_token=token)
        items += found["items"]
        token = found["next_page_token"]
    running = 0
    for item in reversed(items):
        running += item["paid_minor"] - item["refunded_minor"]
        if item["running_minor"] != running:
            return False
    return bool(found["settled"]) and running == found["net_spend_minor"]
