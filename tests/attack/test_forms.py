"""Forms of the console and the shop window, sent with fields that they do not have: nothing of them is written (OWASP API3).

They are found in the pages, so a new one is covered where its page is. Afterwards all tables of all services are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import asyncpg
import httpx
import pytest

from deploy.local.provision import run_sync
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS
from tests.component.gateway.conftest import Store

# What nobody else would ever write.
SENTINEL, NUMBER = "0badc0de-0bad-7bad-8bad-0badc0de0bad", "86753099"
PRIVILEGED = {
    **dict.fromkeys(
        ("id", "store_id", "customer_id", "order_id", "owner_id", "staff_id", "actor", "created_by"), SENTINEL
    ),
    **dict.fromkeys(
        ("points_balance", "balance", "total_minor", "price", "unit_price_minor", "net_spend_minor"), NUMBER
    ),
    **dict.fromkeys(("discount_minor", "attempts_left", "paid_minor", "level_id"), NUMBER),
    **dict.fromkeys(("role", "scopes", "permissions", "state", "is_admin"), f"owner-{SENTINEL}"),
    **dict.fromkeys(("created_at", "placed_at", "expires_at", "joined_at"), f"2001-01-01T00:00:00Z {SENTINEL}"),
}
# What would end the walk, or lead to a provider elsewhere.
LEFT_OUT = ("logout", "sessions", "language", "second-factor", "password", "login/with")


class Forms(HTMLParser):
    """The forms of a page: where each is sent, and its fields as they stand there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and named.get("method", "").lower() == "post":
            self.found.append((named.get("action", ""), {}))
        elif self.found and tag in ("input", "textarea", "select", "button") and named.get("name"):
            unset = named.get("type") in ("checkbox", "radio") and "checked" not in named
            if not unset and named.get("type") != "file":
                self.found[-1][1].setdefault(named["name"], named.get("value") or ("1" if tag == "select" else "x"))


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Store]:
    store = Store(stack)
    yield store
    store.http.close()


def test_no_form_writes_a_field_that_it_does_not_have(shop: Store, stack: Stack) -> None:
    paid, unpaid = shop.order(), shop.order(paid=False)
    item = shop.post("/items", {"name_en": "Tea", "unit_price_minor": 100, "sold_online": True}).json()["item_id"]
    customer = paid["customer"]["customer_id"]
    pages = [
        *("/console/", "/console/orders/new/paid", "/console/orders/new/unpaid", f"/console/orders/{paid['order_id']}"),
        *(f"/console/orders/{unpaid['order_id']}{part}" for part in ("", "/payment", "/contact", "/cancel", "/step")),
        *(
            f"/console/orders/{paid['order_id']}/refund",
            f"/console/members/{customer}",
            f"/console/members/{customer}/edit",
        ),
        *("/console/items", "/console/items/new", f"/console/items/{item}", "/console/levels", "/console/levels/edit"),
        *(
            "/console/points",
            "/console/staff",
            "/console/account",
            "/console/settings/api-keys",
            "/console/settings/webhooks",
        ),
        *(
            "/console/settings/webhooks/new",
            "/console/settings/look",
            "/console/payments/settings",
            "/console/members/filters",
        ),
        *(
            "/console/members/filters/new",
            "/console/members/invite",
            "/console/merges/rules",
            "/console/merges/batches/new",
        ),
        *(
            "/console/imports/new",
            "/console/merges/duplicates",
            f"/s/{shop.slug}/",
            f"/s/{shop.slug}/cart",
            f"/s/{shop.slug}/checkout",
        ),
        *(f"/s/{shop.slug}/login", "/console/messages"),
    ]
    sent: set[str] = set()
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=30) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        for path in pages:
            page = browser.get(path, follow_redirects=True)
            for action, fields in Forms(page.text).found:
                address = action or str(page.url.raw_path.decode())
                if any(word in address for word in LEFT_OUT):
                    continue
                extra = {name: value for name, value in PRIVILEGED.items() if name not in fields}
                answer = browser.post(address, data=fields | extra, headers={"Referer": f"{shop.url}{path}"})
                assert answer.status_code < 500, (path, address)
                sent.add(address.partition("?")[0])
    assert len(sent) > 20, sent
    assert run_sync(_written(stack)) == []


async def _written(stack: Stack) -> list[str]:
    """Tables with the made-up values in them."""
    found = []
    for context in CONTEXTS:
        connection = await asyncpg.connect(stack.settings.databases[context].admin)
        try:
            tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in tables:
                row = await connection.fetchval(
                    f"SELECT t::text FROM {table} t WHERE t::text LIKE $1 OR t::text LIKE $2 LIMIT 1",
                    f"%{SENTINEL}%",
                    f"%{NUMBER}%",
                )
                found += [f"{context}.{table}: {row[:300]}"] if row else []
        finally:
            await connection.close()
    return found
