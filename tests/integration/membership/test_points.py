"""The points ledger on a real PostgreSQL (B2-B4, P)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.idempotency import Replayed
from services.common.ids import new_id
from services.membership import commands, queries
from services.membership.domain import Reason
from tests.integration.membership.people import Shop, buyer, settle
from tests.support.calls import once


async def test_awards_and_deductions_are_kept_in_a_ledger(shop: Shop) -> None:
    """B2-B4: the lot that expires first is spent first."""
    member = await shop.member()
    await shop.award(member, 100, "2099-12-31")
    await shop.award(member, 50, "2098-12-31")
    assert await shop.award(member, -70) == 80
    statement = await queries.list_entries(shop.context.database, shop.who, 0, "", member)
    assert statement.balance == 80
    assert [lot.remaining for lot in statement.lots] == [80]
    assert [(entry.reason, entry.points) for entry in statement.page.items] == [
        (Reason.DEDUCTED, -20),
        (Reason.DEDUCTED, -50),
        (Reason.AWARDED, 50),
        (Reason.AWARDED, 100),
    ]
    assert {entry.actor for entry in statement.page.items} == {"staff:test"}
    posted = [events_pb2.PointsPosted.FromString(row.payload) for row in await shop.events("points_posted")]
    assert [(p.points, p.balance) for p in posted] == [(100, 100), (50, 150), (-70, 80)]
    await shop.audit()


async def test_the_ledger_is_read_page_by_page(shop: Shop) -> None:
    """B4: no entry is missed or doubled."""
    member = await shop.member()
    for n in range(1, 8):
        await shop.award(member, n)
    read, token = [], ""
    while True:
        page = (await queries.list_entries(shop.context.database, shop.who, 3, token, member)).page
        read += [entry.points for entry in page.items]
        token = page.next_token
        if not token:
            break
    assert read == [7, 6, 5, 4, 3, 2, 1]


async def test_points_never_go_below_zero(shop: Shop) -> None:
    """P: 20 deductions of 10 at once from 95."""
    member = await shop.member()
    await shop.award(member, 95)
    results = await settle(*(shop.award(member, -10) for _ in range(20)))
    refused = [r for r in results if isinstance(r, StateConflict)]
    assert len(refused) == 11
    assert refused[0].reason == "points_insufficient"
    assert (await shop.customer(member)).points_balance == 5
    await shop.audit()


@pytest.mark.parametrize(
    ("points", "expires_on", "field", "reason"),
    [
        (0, "", "points", "zero_points"),
        (10, "", "expires_on", "expiry_required"),
        (10, "2001-01-01", "expires_on", "expiry_in_past"),
        (10, "2099-02-30", "expires_on", "invalid_date"),
        (10, "20991231", "expires_on", "invalid_date"),
        (10, "9999-12-31", "expires_on", "invalid_date"),
        (-10, "2099-12-31", "expires_on", "expiry_not_allowed"),
        (10**12, "2099-12-31", "points", "too_large"),
    ],
)
async def test_a_wrong_adjustment_names_the_field(
    shop: Shop, points: int, expires_on: str, field: str, reason: str
) -> None:
    """B2, F2: and nothing is written."""
    member = await shop.member()
    with pytest.raises(InvalidInput) as refusal:
        await commands.adjust_points(shop.context, shop.who, once(shop.who), member, points, expires_on, "")
    assert [(v.field, v.reason) for v in refusal.value.violations] == [(field, reason)]
    assert not await shop.rows("SELECT 1 FROM points_entries")


async def test_the_same_key_adjusts_once(shop: Shop) -> None:
    """E7: the answer is the same, another body is refused."""
    member = await shop.member()
    adjust = commands.adjust_points
    await adjust(shop.context, shop.who, once(shop.who, "k"), member, 10, "2099-12-31", " a note ")
    with pytest.raises(Replayed) as replayed:
        await adjust(shop.context, shop.who, once(shop.who, "k"), member, 10, "2099-12-31", " a note ")
    assert replayed.value.response == b"10"
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await adjust(shop.context, shop.who, once(shop.who, "k", b"other"), member, 20, "2099-12-31", "")
    assert [row.note for row in await shop.rows("SELECT note FROM points_entries")] == ["a note"]


async def test_a_repeat_is_answered_though_its_date_is_past_by_now(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """E7: the client asks again two days after the last day of validity."""
    member = await shop.member()
    today = clock.now()
    award = (member, 10, (today + timedelta(days=1)).date().isoformat(), "")
    await commands.adjust_points(shop.context, shop.who, once(shop.who, "k"), *award)
    monkeypatch.setattr(clock, "now", lambda: today + timedelta(days=4))
    with pytest.raises(Replayed):
        await commands.adjust_points(shop.context, shop.who, once(shop.who, "k"), *award)


async def test_guests_and_strangers_have_no_points(shop: Shop) -> None:
    """B2."""
    guest = await shop.enrol(buyer(trusted=False))
    with pytest.raises(StateConflict, match="not_a_member"):
        await shop.award(guest.customer_id, 10)
    with pytest.raises(NotFound, match="customer_not_found"):
        await shop.award(new_id(), 10)


async def test_points_past_their_time_are_gone_at_once_and_emptied_later(shop: Shop) -> None:
    """B4, P: unspendable from the very moment, whether or not the expiry loop has come by; then an entry says so, once."""
    member = await shop.member()
    await shop.award(member, 30, "2050-06-30")
    await shop.award(member, 70, "2099-12-31")
    # As if time had passed: the lot's last moment is moved to before now.
    past = clock.now() - timedelta(seconds=1)
    await shop.rows("UPDATE points_lots SET expires_at = :past WHERE points = 30 RETURNING 1", past=past)
    assert (await shop.customer(member)).points_balance == 70
    with pytest.raises(StateConflict, match="points_insufficient"):
        await shop.award(member, -80)
    assert await commands.expire_points(shop.worker) >= 1  # in all stores
    assert await commands.expire_points(shop.worker) == 0
    entries = await shop.rows("SELECT points FROM points_entries WHERE reason = :reason", reason=Reason.EXPIRED)
    assert [row.points for row in entries] == [-30]
    assert (await shop.customer(member)).points_balance == 70
    await shop.audit()


async def test_entries_cannot_be_changed(shop: Shop) -> None:
    """B4: append-only is the database's rule, not only ours."""
    await shop.award(await shop.member(), 10)
    for statement in ("UPDATE points_entries SET points = 0", "DELETE FROM points_entries"):
        with pytest.raises(Exception, match="permission denied"):
            await shop.rows(statement)
