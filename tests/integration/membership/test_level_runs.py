"""A saving of level rules is a run: queued, applied by the worker in parts, all or nothing, whoever dies (B6)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest

from deploy.local.state import DatabaseUrls
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.ids import new_id
from services.membership import commands
from services.membership.domain import LevelRun, RunState, Step, add_steps
from services.membership.queries import levels as queries
from tests.integration.membership.people import Shop
from tests.integration.membership.ranks import SILVER, Ranks, level
from tests.integration.membership.test_import_killed import ROOT
from tests.support.calls import once

POINTS = ("membership.levels.between_parts", "membership.levels.before_commit")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three customers are a part, so that a handful of them are several."""
    monkeypatch.setattr("services.membership.store.levels._AT_ONCE", 3)


async def ask(ranks: Ranks) -> LevelRun:
    """A level for everybody, asked for and not worked on."""
    asked = await ranks.asked(level("All", 0), SILVER)
    shop, seen = ranks.shop, (await ranks.simulate(asked)).hash
    return await commands.save_rules(shop.context, shop.who, once(shop.who), asked, seen)


async def get(shop: Shop, run: LevelRun) -> LevelRun:
    return await queries.get_run(shop.context.database, shop.who, run.run_id)


async def test_a_store_is_gone_through_in_parts_and_nobody_is_left_out(shop: Shop) -> None:
    """B6: the last part is not full, and all of it takes effect at once."""
    members, ranks = [await shop.member() for _ in range(7)], Ranks(shop)
    run = await ask(ranks)
    assert (run.state, (await ranks.rules()).version) == (RunState.QUEUED, 0)
    await commands.run_level_saves(shop.worker)
    done = await get(shop, run)
    assert (done.state, done.up, done.down, done.total) == (RunState.DONE, 7, 0, 7)
    assert [await ranks.of(member) for member in members] == ["All"] * 7
    await commands.run_level_saves(shop.worker)
    assert (await ranks.rules()).version == 1


async def test_who_moves_meanwhile_makes_the_run_stale_and_nothing_is_saved(shop: Shop) -> None:
    """B6: exactly the moves that were seen, or none."""
    first, ranks = await shop.member(), Ranks(shop)
    run = await ask(ranks)
    await shop.member()
    await commands.run_level_saves(shop.worker)
    refused = await get(shop, run)
    assert (refused.state, refused.refusal, refused.up) == (RunState.REFUSED, "stale_simulation", 0)
    assert ((await ranks.rules()).version, await ranks.of(first)) == (0, "")
    assert await shop.rows("SELECT * FROM level_changes") == []


async def test_a_store_saves_one_set_of_rules_at_a_time(shop: Shop) -> None:
    """B6, S: whoever comes meanwhile is told; another store is not held up, and sees nothing of the run."""
    ranks, other = Ranks(shop), Ranks(shop.another())
    run = await ask(ranks)
    with pytest.raises(StateConflict, match="levels_being_saved"):
        await ask(ranks)
    await ask(other)
    with pytest.raises(NotFound):
        await get(other.shop, run)
    with pytest.raises(NotFound):
        await queries.get_run(shop.context.database, shop.who, new_id())
    with pytest.raises(InvalidInput):
        await ranks.save_seen(await ranks.asked(SILVER), b"")
    await commands.run_level_saves(shop.worker)
    with pytest.raises(Conflict, match="stale_version"):
        await commands.save_rules(shop.context, shop.who, once(shop.who), run.rules, b"seen")


async def test_two_workers_do_a_run_once(shop: Shop) -> None:
    """B6, L: any number of them may look for work."""
    for _ in range(4):
        await shop.member()
    run = await ask(Ranks(shop))
    await asyncio.gather(*(commands.run_level_saves(shop.worker) for _ in range(4)))
    assert (await get(shop, run)).state is RunState.DONE
    assert len(await shop.rows("SELECT * FROM level_changes")) == 4


@pytest.mark.fault
@pytest.mark.parametrize("point", POINTS)
async def test_a_run_whose_worker_is_killed_is_done_by_another(shop: Shop, urls: DatabaseUrls, point: str) -> None:
    """B6, L, fault 15: what the dead one had moved is gone with it."""
    member, ranks = await shop.member(), Ranks(shop)
    run = await ask(ranks)
    doomed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.membership.doomed_levels", urls.worker),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}", "ONEFOLD_CRASH_AT": point},
    )
    async with asyncio.timeout(60):
        assert await doomed.wait() == -signal.SIGKILL
    assert (await get(shop, run)).state in (RunState.QUEUED, RunState.RUNNING)
    assert await ranks.of(member) == ""
    while (await get(shop, run)).finished_at is None:
        await commands.run_level_saves(shop.worker)
    assert await ranks.of(member) == "All"
    assert len(await ranks.history(member)) == 1


def test_steps_of_parts_add_up() -> None:
    """B6."""
    parts = [Step("", "A", False, 2, (1, 5)), Step("A", "B", True, 1, (7, 7)), Step("", "A", False, 3, (10, 20))]
    assert add_steps(parts) == [Step("", "A", False, 5, (11, 25)), Step("A", "B", True, 1, (7, 7))]
