"""The data folder: one runner at a time, secrets for us alone, and nothing of anybody else's deleted."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deploy.local.state import DataFolder, DataFolderError, RunningStack


def test_a_folder_in_use_is_neither_shared_nor_deleted(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path / "data"), DataFolder(tmp_path / "data")
    first.acquire()
    with pytest.raises(DataFolderError, match="runs from"):
        second.acquire()
    with pytest.raises(DataFolderError, match="stop it first"):
        second.remove()
    first.release()
    assert second.remove()
    assert not second.remove()


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    folder = DataFolder(tmp_path)
    with pytest.raises(DataFolderError, match="something else"):
        folder.acquire()
    with pytest.raises(DataFolderError, match="nothing was deleted"):
        folder.remove()
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_secrets_are_random_stay_the_same_and_are_ours_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.acquire()
    with ThreadPoolExecutor(8) as pool:
        values = set(pool.map(lambda _: folder.secret("key"), range(50)))
    assert len(values) == 1
    assert len(values.pop()) >= 32
    assert folder.secret("other") != DataFolder(tmp_path / "data").secret("key")
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600
    folder.release()


def test_without_a_running_stack_other_commands_say_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(DataFolderError, match="make up"):
        RunningStack.load(tmp_path / "data")
