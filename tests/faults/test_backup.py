"""A backup taken under load is restored elsewhere, with an empty broker, to a moment after it: what stood then stands (H6, X, N, O)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from deploy.backup import cut
from deploy.backup.__main__ import SLOT
from deploy.backup.manifest import NAME
from deploy.backup.programs import BackupError
from deploy.backup.restoring import restore_stack, unpack, verify
from deploy.backup.taking import take
from deploy.local.process import Process
from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS, read_json, write_private
from deploy.reconcile import reconcile
from tests.faults.client import Api, Json, Shop, until
from tests.faults.system import QuickStack, System
from tests.faults.traffic import BUYERS, Traffic
from tests.support.stack import session_folder

pytestmark = [pytest.mark.fault, pytest.mark.timeout(180)]


def test_what_stood_at_a_moment_under_load_stands_after_a_restore_to_it(
    system: System, shop: Shop, tmp_path: Path
) -> None:
    """Orders, payments and merges go on while the backup is taken and the log is kept. The restored system has all that was answered before
    the moment and nothing from after it; it comes to rest by itself and by reconcile, every invariant kept; nobody knows of what was
    never sent.
    """
    backup, log = tmp_path / "backup", tmp_path / "log"
    url, secrets = system.stack.running.postgres_url, system.stack.data.path / "secrets.json"
    shop.merge(shop.members(3)[:2])
    traffic = Traffic(shop, seed=6)
    with _log_kept(system, log):
        traffic.start()
        try:
            before = _orders(traffic)
            manifest = take(url, backup, read_json(secrets))
            until(
                lambda: len(_orders(traffic)) >= len(before) + 10 and traffic.merges,
                30,
                "orders and merges after the backup",
            )
            stood, merged = _orders(traffic), list(traffic.merges)
            [(moment,)] = system.rows("orders", "SELECT clock_timestamp()")
            # What was on its way at the moment may stand in either world; there are as many of it as buyers.
            after = len(_orders(traffic)) + BUYERS + 5
            until(lambda: len(_orders(traffic)) >= after, 30, "orders after the moment")
        finally:
            traffic.end()
        _end_of_log(system, log)
    assert {path.stat().st_mode & 0o777 for path in backup.iterdir()} == {0o600}
    assert manifest.revisions.keys() == set(CONTEXTS)

    folder = session_folder("restored")
    restore_stack(backup, folder, secrets, log, moment)
    with QuickStack(folder) as stack:
        restored = System(stack)
        urls = {context: each.worker for context, each in stack.settings.databases.items()}
        admins = {context: each.admin for context, each in stack.settings.databases.items()}
        assert run_sync(cut.ahead(admins)) == []
        run_sync(reconcile(urls, 0))
        restored.audit()
        _check_orders(restored, traffic, stood, moment)
        for run in merged:
            query = "SELECT 1 FROM merge_runs WHERE merge_run_id = $1 AND finished_at IS NOT NULL"
            assert restored.rows("identity_merge", query, UUID(run["merge_run_id"]))
        _one_that_is_ahead_is_found(restored, admins)
    stack.data.remove()


def test_what_is_not_a_whole_backup_is_refused_and_nothing_is_overwritten(system: System, tmp_path: Path) -> None:
    """A folder with something in it, a damaged file, keys that are others, a log that does not go that far."""
    url, secrets = system.stack.running.postgres_url, system.stack.data.path / "secrets.json"
    backup, cluster = tmp_path / "backup", tmp_path / "cluster"
    take(url, backup, read_json(secrets))
    verify(backup)
    with pytest.raises(BackupError, match="exists already; nothing was overwritten"):
        take(url, backup, {})
    cluster.mkdir()
    (cluster / "mine").touch()
    for target in (lambda: unpack(backup, cluster), lambda: restore_stack(backup, cluster, secrets)):
        with pytest.raises(BackupError, match="is not empty; nothing was overwritten"):
            target()
    assert [path.name for path in cluster.iterdir()] == ["mine"]
    other = tmp_path / "secrets.json"
    write_private(other, read_json(secrets) | {"identifier_key": "another"})
    with pytest.raises(BackupError, match="the keys identifier_key are not those"):
        restore_stack(backup, tmp_path / "data", other)
    with (backup / "base.tar.gz").open("r+b") as file:
        file.seek(100_000)
        file.write(b"rot")
    with pytest.raises(BackupError, match=r"is damaged: base\.tar\.gz"):
        restore_stack(backup, tmp_path / "data", secrets)
    assert not (tmp_path / "data").exists()
    (backup / NAME).unlink()
    with pytest.raises(BackupError, match="holds no backup of Onefold"):
        verify(backup)


@contextmanager
def _log_kept(system: System, log: Path) -> Iterator[None]:
    """`python -m deploy.backup log`, as somebody would run it; the server forgets about it afterwards."""
    keeper = Process(
        name="backup-log",
        argv=[sys.executable, "-m", "deploy.backup", "log", "--into", str(log)],
        log=system.stack.data.logs / "backup-log.log",
        environment={"ONEFOLD_POSTGRES_URL": system.stack.running.postgres_url},
    )
    slot = "SELECT 1 FROM pg_replication_slots WHERE slot_name = $1 AND active = $2"
    keeper.start(wait=False)
    try:
        until(lambda: system.rows("orders", slot, SLOT, True), 20, "the log is kept")
        yield
    finally:
        keeper.terminate()
        until(lambda: system.rows("orders", slot, SLOT, False), 20, "the server has noticed")
        system.rows("orders", "SELECT pg_drop_replication_slot($1)", SLOT)


def _end_of_log(system: System, log: Path) -> None:
    """Until what has been written by now is kept."""
    [(position,)] = system.rows("orders", "SELECT pg_current_wal_lsn()::text")
    kept = (
        "SELECT 1 FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND flush_lsn >= $1::text::pg_lsn"
    )
    until(lambda: system.rows("orders", kept, position), 20, f"{log} reaches {position}")


def _orders(traffic: Traffic) -> dict[str, tuple[Json, str]]:
    with traffic.lock:
        return dict(traffic.orders)


def _check_orders(restored: System, traffic: Traffic, stood: dict[str, tuple[Json, str]], moment: datetime) -> None:
    """All that were answered before the moment, none from after it, and a program that asks again gets the same one."""
    found = {str(order_id) for (order_id,) in restored.rows("orders", "SELECT order_id FROM orders")}
    assert {order_id for _, order_id in stood.values()} <= found
    young = "SELECT count(*) FROM order_history WHERE version = 1 AND at > $1"
    assert restored.rows("orders", young, moment) == [(0,)]
    assert len({order_id for _, order_id in traffic.orders.values()} - found) >= 5
    api = Api(restored.stack.settings.gateway_url, traffic.shop.api.credential)
    for key, (body, order_id) in list(stood.items())[:3]:
        assert api.sure("POST", "/orders", body, key=key)["order_id"] == order_id
    api.close()


def _one_that_is_ahead_is_found(restored: System, urls: dict[str, str]) -> None:
    """As if orders, and a merge's record, had been restored to a moment before that of membership and notification."""
    restored.rows(
        "orders", "DELETE FROM outbox WHERE seq = (SELECT max(seq) FROM outbox WHERE type = 'orders.order_placed.v1')"
    )
    restored.rows("identity_merge", "DELETE FROM merge_participants")
    restored.rows("identity_merge", "DELETE FROM merge_runs")
    found = {(one.sender, one.reader, one.what): one.count for one in run_sync(cut.ahead(urls))}
    merges = found.pop(("identity_merge", "membership", "merges"))
    assert merges > 0
    assert found == {("orders", "membership", "events"): 1, ("orders", "notification", "events"): 1}
