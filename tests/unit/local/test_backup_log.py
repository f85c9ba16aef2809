"""Which of two copies of the server's log a restore follows (H6)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.backup.programs import BackupError
from deploy.backup.restoring import follow_log

_SIZE = 64
_FIRST, _SECOND, _THIRD = (f"{number:024X}" for number in (1, 2, 3))


def segment(written: str) -> bytes:
    return written.encode().ljust(_SIZE, b"\0")


def test_of_each_file_of_the_log_the_copy_that_goes_further_is_followed(tmp_path: Path) -> None:
    """The backup's last file and the one that is still being written are both filled up with zeros: their sizes tell nothing."""
    cluster, log = tmp_path / "cluster", tmp_path / "log"
    (cluster / "pg_wal").mkdir(parents=True)
    log.mkdir()
    (cluster / "pg_wal" / _FIRST).write_bytes(segment("to the end"))
    (cluster / "pg_wal" / _SECOND).write_bytes(segment("the beginning"))
    (log / f"{_FIRST}.partial").write_bytes(segment("to the"))
    (log / f"{_SECOND}.partial").write_bytes(segment("the beginning and more"))
    (log / _THIRD).write_bytes(segment("what came later"))
    (log / "notes").touch()
    follow_log(cluster, log, datetime(2026, 11, 30, 15, 15, tzinfo=UTC))
    found = {path.name: path.read_bytes().rstrip(b"\0").decode() for path in (cluster / "pg_wal").iterdir()}
    assert found == {_FIRST: "to the end", _SECOND: "the beginning and more", _THIRD: "what came later"}
    assert (cluster / "recovery.signal").exists()
    assert "recovery_target_time = '2026-11-30T15:15:00+00:00'" in (cluster / "postgresql.auto.conf").read_text()


def test_a_folder_without_a_log_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="holds no log of a server"):
        follow_log(tmp_path, tmp_path / "nothing", None)
