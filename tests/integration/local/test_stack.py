"""The whole system as `make up` runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import asyncpg
import psutil
import pytest

from deploy.local import demo_people
from deploy.local.cdnow import expected_totals
from deploy.local.demo import DemoStore
from deploy.local.loader import Loader, Progress
from deploy.local.migrations import Migrations
from deploy.local.probes import serves_grpc
from deploy.local.process import ROOT, Process, wait_until
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS, DataFolderError, RunningStack
from deploy.local.supervisor import Supervisor
from tests.support.ended import gone


@pytest.fixture
def api_key(stack: Stack) -> str:
    """A key of the demo store."""
    demo = DemoStore(stack.running)
    demo.ensure_store()
    return demo.ensure_api_key()


async def test_the_demo_store_is_made_once_and_its_key_stays(stack: Stack, api_key: str) -> None:
    demo = DemoStore(stack.running)
    demo.ensure_store()
    assert demo.ensure_api_key() == api_key
    connection = await asyncpg.connect(stack.running.databases["identity_merge"].admin)
    try:
        assert await connection.fetchval("SELECT count(*) FROM stores WHERE slug = 'demo'") == 1
    finally:
        await connection.close()


async def test_made_up_people_come_once_with_pairs_to_judge_and_guests_to_invite(stack: Stack, api_key: str) -> None:
    """F12, A5: so that a new demo store has something to show; a person more is nobody of the CDNOW data."""
    for _ in range(2):
        demo_people.ensure(stack.running.gateway_url, api_key)
    connection = await asyncpg.connect(stack.running.databases["membership"].admin)
    try:
        counts = await connection.fetch(
            "SELECT status, count(*) FROM customers WHERE phone LIKE '+8525123%' GROUP BY status ORDER BY status"
        )
    finally:
        await connection.close()
    members = [somebody for somebody in demo_people.PEOPLE if somebody.member]
    assert [tuple(row) for row in counts] == [(1, len(demo_people.PEOPLE) - len(members)), (2, len(members))]


async def test_orders_loaded_twice_are_there_once_and_to_the_cent(stack: Stack, api_key: str, tmp_path: Path) -> None:
    """(E7) The second loader knows nothing of the first and sends everything again."""
    for attempt in ("first", "second"):
        progress = Progress(tmp_path / f"{attempt}.json")
        Loader(stack.running.gateway_url, api_key, progress).load(120, 60, lambda: None)
        assert progress.count == 120
    expected = expected_totals(range(120))
    connection = await asyncpg.connect(stack.running.databases["orders"].admin)
    try:
        rows = await connection.fetch(
            "SELECT external_reference, total FROM orders WHERE external_reference LIKE 'cdnow-%'"
        )
    finally:
        await connection.close()
    assert len(rows) == expected.orders
    assert sum(row["total"] for row in rows) == expected.value_minor


def test_other_commands_find_the_running_stack(stack: Stack) -> None:
    running = RunningStack.load(stack.data.path)
    assert running == stack.running
    assert set(running.processes) == {
        *("postgres", "nats", "mail", "gateway"),
        *(f"{context}-{command}" for context in CONTEXTS for command in ("serve", "work")),
    }


def test_a_killed_service_starts_again_at_its_address(stack: Stack) -> None:
    process = stack.process("membership-serve")
    before = process.pid
    process.kill()
    process.start()
    assert process.pid != before


@pytest.mark.parametrize("context", CONTEXTS)
def test_a_worker_says_that_it_works_until_it_is_gone(stack: Stack, context: str) -> None:
    """What was started counts as ready only when its workers work: nobody's first import or mail waits for one to come up (H6)."""
    process, works = stack.process(f"{context}-work"), serves_grpc(stack.settings.health_target(context, "work"))
    assert wait_until(works, 60)
    process.kill()
    assert not works()
    process.start()
    assert wait_until(works, 60)


def test_what_dies_by_itself_is_reported_and_started_again(stack: Stack) -> None:
    lines: list[str] = []
    supervisor = Supervisor(stack, lines.append)
    process = stack.process("notification-work")
    process.kill()

    def is_back() -> bool:
        supervisor.look()
        return process.running

    assert wait_until(is_back, 20, every=0.1)
    assert len(lines) == 1
    assert "notification-work ended with code -9; it starts again in 1 s" in lines[0]
    assert RunningStack.load(stack.data.path).processes["notification-work"] == process.pid


def test_a_migrated_database_is_left_alone(stack: Stack) -> None:
    assert Migrations(stack.data, stack.running.databases).pending() == []


def test_two_stacks_cannot_share_a_folder(stack: Stack) -> None:
    with pytest.raises(DataFolderError, match="runs from"):
        Stack(stack.data.path).start()
    assert stack.process("gateway").running


def up(folder: Path, log: Path) -> Process:
    """`make up` with its own data folder."""
    return Process(
        name="up",
        argv=[sys.executable, "-m", "deploy.local", "up"],
        log=log,
        environment={"ONEFOLD_DATA": str(folder), "COLUMNS": "200"},
        ready=lambda: "First page after" in log.read_text(),
        ready_seconds=100,
        stop_signal=signal.SIGINT,
        stop_seconds=60,
    )


@pytest.mark.timeout(300)
def test_up_shows_a_page_stops_quietly_and_leaves_nothing_behind_even_when_killed(tmp_path: Path) -> None:
    folder, log = ROOT / ".test" / f"up-{os.getpid()}", tmp_path / "up.log"
    runner = up(folder, log)
    runner.start()
    first = _whole_stack(folder)
    with urllib.request.urlopen(RunningStack.load(folder).gateway_url, timeout=10) as page:
        assert page.status == 200
    runner.terminate()
    assert runner.exit_code == 0
    assert "Stopped." in log.read_text()
    assert "Traceback" not in log.read_text()
    assert all(gone(process) for process in first)

    runner.start()
    second = _whole_stack(folder)
    runner.signal(signal.SIGKILL)
    runner.wait(10)
    assert wait_until(lambda: all(gone(process) for process in second), 30)
    assert _command("reset", folder).returncode == 0
    assert not folder.exists()


def _whole_stack(folder: Path) -> list[psutil.Process]:
    # One that was there before may have left its note.
    assert wait_until(lambda: (folder / "stack.json").exists() and psutil.pid_exists(RunningStack.load(folder).pid), 60)
    assert _command("reset", folder).returncode == 1
    runner = psutil.Process(RunningStack.load(folder).pid)
    return runner.children(recursive=True)


def _command(name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", name],
        env=os.environ | {"ONEFOLD_DATA": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
