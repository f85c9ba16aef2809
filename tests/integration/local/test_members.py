"""A store filled with made-up customers is as the services would have filled it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest

from deploy.audit import accounts
from deploy.audit.joins import Databases
from deploy.local.members import MemberLoader
from deploy.local.state import DatabaseUrls
from services.common.ids import new_id

CHECKS = (accounts.check_points, accounts.check_owners, accounts.check_net_spend, accounts.check_unique)
_STORE = """INSERT INTO stores (store_id, slug, name, region, currency, timezone, language, version)
 VALUES ($1, 'large', 'Large', 'HK', 'HKD', 'Asia/Hong_Kong', 'en', 1)"""


@pytest.fixture
async def running(service_database: Callable[[str], DatabaseUrls]) -> Any:
    """The databases of a stack that holds one empty store."""
    urls = {context: service_database(context) for context in ("membership", "orders", "identity_merge")}
    identity = await asyncpg.connect(urls["identity_merge"].admin)
    await identity.execute(_STORE, new_id())
    await identity.close()
    return SimpleNamespace(databases=urls)


async def test_a_store_is_filled_to_the_number_wished_for_and_the_audit_holds(running: Any) -> None:
    """P, O, N, U, C3: and what lists are sorted by is there."""
    told: list[int] = []
    loader = MemberLoader(running, "a key for tests that is long enough", "large")
    assert await loader.load(120, told.append) == 120
    assert await loader.load(150, told.append) == 30
    assert told[-1] == 150
    async with Databases.open({context: urls.admin for context, urls in running.databases.items()}) as databases:
        for check in CHECKS:
            verdict = await check(databases)
            assert verdict.holds, verdict
            assert verdict.checked > 0
        assert await databases.value("membership", "SELECT count(*) FROM customer_search") == 150
        assert await databases.value("membership", "SELECT count(*) FROM standings") == 150
        astray = "SELECT count(*) FROM standings s JOIN customers c USING (store_id, customer_id) WHERE s.net_spend <> c.net_spend"
        assert await databases.value("membership", astray) == 0
