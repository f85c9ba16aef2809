"""Forms of the console and the shop window, sent with fields that they do not have: nothing of them is written (OWASP API3).

They are found in the pages, so a new one is covered where its page is; every other page, with `make attack` all. Afterwards all tables
of all services are looked through.
"""

from __future__ import annotations

import asyncpg
import httpx

from deploy.local.provision import run_sync
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS
from tests.attack.conftest import LONG
from tests.attack.pages import forms, pages, things
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


def test_no_form_writes_a_field_that_it_does_not_have(shop: Store, stack: Stack) -> None:
    about = things(shop)
    sent: set[str] = set()
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=30) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        for path in (pages("console", about) + pages("storefront", about))[:: 1 if LONG else 2]:
            for form in forms(browser, path):
                extra = {name: value for name, value in PRIVILEGED.items() if name not in form.fields}
                headers = {"Referer": f"{shop.url}{path}"}
                answer = browser.post(form.action, data=form.fields | extra, headers=headers)
                assert answer.status_code < 500, (path, form.action)
                sent.add(form.action.partition("?")[0])
    assert len(sent) > (60 if LONG else 25), sent
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
