"""What has run out is deleted, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from onefold.identity_merge.v1 import service_pb2 as pb
from services.common.errors import Unauthenticated
from services.identity_merge.commands import housekeeping
from tests.integration.identity_merge.conftest import PASSWORD, PUBLIC, Service
from tests.integration.identity_merge.customers import Browser
from tests.integration.identity_merge.test_logins import deliver, enrolled, issue, requests
from tests.integration.identity_merge.test_merging import started

# How much time must have passed for a row of the table to go.
AGES = {
    "staff_sessions": ("expires_at", "14 days"),
    "staff_challenges": ("expires_at", "5 minutes"),
    "staff_invitations": ("expires_at", "37 days"),
    "confirmations": ("expires_at", "7 days"),
    "codes": ("expires_at", "10 minutes"),
    "proofs": ("expires_at", "30 minutes"),
    "social_attempts": ("expires_at", "10 minutes"),
    "customer_sessions": ("expires_at", "30 days"),
    "merge_plans": ("expires_at", "7 days 1 hour"),
    "login_attempts": ("since", "1 day"),
}


async def test_rows_go_when_their_time_has_come_in_every_store(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the worker's role, which sees these tables across stores; in batches."""
    monkeypatch.setattr(housekeeping, "BATCH", 1)
    for slug in ("first", "second"):
        who = await service.new_store(slug)
        await deliver(service, who, enrolled(phone="", email=f"m@{slug}.example"))
        await issue(service, who, (await requests(service))[-1].login_method_id)
        await Browser(service, who).ask(f"m@{slug}.example")
        await Browser(service, who).log_in(f"m@{slug}.example")
        await Browser(service, who).prove(f"new@{slug}.example")
        await started(service, who)
        # Those of the codes.
        await service.rows("DELETE FROM login_attempts WHERE store_id = :id", id=who.store)
        for name in ("owner", "nobody"):
            login = pb.LogInRequest(store_slug=slug, email=f"{name}@{slug}.example", password=PASSWORD)
            outcomes = await asyncio.gather(service.call(service.access.LogIn, login, PUBLIC), return_exceptions=True)
            assert isinstance(outcomes[0], Unauthenticated) == (name == "nobody")
    await service.rows(
        "INSERT INTO staff_challenges (store_id, token_digest, staff_id, expires_at)"
        " SELECT store_id, 'token', staff_id, now() + interval '5 minutes' FROM staff"
    )
    await service.rows(
        "INSERT INTO staff_invitations (store_id, invitation_id, email, email_key, name, role, invited_by, expires_at)"
        " SELECT store_id, staff_id, email, email_key, name, role, '', now() + interval '7 days' FROM staff"
    )
    await service.rows(
        "INSERT INTO social_attempts (store_id, state_digest, browser_digest, provider_id, redirect_uri, language, expires_at)"
        " SELECT store_id, 'state', 'browser', 'acme', '', '', now() + interval '10 minutes' FROM stores"
    )
    for table, (column, age) in AGES.items():
        for margin, left in (("- interval '5 minutes'", 2), ("", 0)):
            shift = f"interval '{age}' {margin}" if margin else "interval '5 minutes 1 second'"
            await service.rows(f"UPDATE {table} SET {column} = {column} - ({shift})")
            await housekeeping.delete_expired(service.worker.database)
            assert len(await service.rows(f"SELECT 1 FROM {table}")) == left, table
    assert len(await service.rows("SELECT 1 FROM merge_runs")) == 2
    assert len(await service.rows("SELECT 1 FROM login_methods")) == 2
