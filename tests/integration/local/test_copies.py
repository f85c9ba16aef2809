"""What tests start as copies of a loaded process is what `python -m` would have started."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from deploy.local.process import Process, ProcessError, execute, wait_until
from tests.support.copies import Copy, Originals
from tests.support.ended import gone

MIRROR = "tests.support.mirror"


@pytest.fixture
def originals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Originals]:
    originals = Originals(tmp_path_factory.mktemp("o"), (MIRROR,))
    yield originals
    originals.close()


def mirror(folder: Path, *arguments: str, program: str = MIRROR) -> Process:
    (folder / "log").touch()
    argv = [sys.executable, "-m", program, *arguments]
    return Process("mirror", argv, folder / "log", niceness=3, working_folder=Path(__file__).parents[3])


def told(process: Process) -> list[Any]:
    """What the last run says of itself."""
    assert wait_until(lambda: process.log.read_text().endswith("\n"), 20), "it says nothing"
    told: list[Any] = json.loads(process.log.read_text().splitlines()[-1])
    return told


def test_a_copy_finds_itself_as_a_process_that_was_started_by_its_arguments(
    originals: Originals, tmp_path: Path
) -> None:
    process, own = mirror(tmp_path, "now", "and here"), {"ONEFOLD_LOG_LEVEL": "info"}
    seen = []
    for launch in (execute, originals.launch):
        child = launch(process, own)
        assert isinstance(child, Copy) == (launch != execute)
        assert child.wait(20) == 3
        seen.append(told(process)[0])
    assert seen[0] == seen[1]
    assert seen[1]["environment"]["ONEFOLD_LOG_LEVEL"] == "info"


def test_copies_share_no_dice(originals: Originals, tmp_path: Path) -> None:
    process = mirror(tmp_path)
    dice = []
    for _ in range(2):
        originals.launch(process, {}).wait(20)
        dice.append(told(process)[1])
    assert all(dice[0][name] != dice[1][name] for name in ("random", "id", "secret"))


def test_a_copy_dies_at_the_crash_point_of_its_own_environment_alone(originals: Originals, tmp_path: Path) -> None:
    process = mirror(tmp_path)
    assert originals.launch(process, {"ONEFOLD_CRASH_AT": "mirror"}).wait(20) == -signal.SIGKILL
    assert originals.launch(process, {}).wait(20) == 3


def test_a_dead_copy_keeps_its_number_until_its_end_has_been_learnt(originals: Originals, tmp_path: Path) -> None:
    process = mirror(tmp_path, "wait")
    child = originals.launch(process, {})
    told(process)
    seen = psutil.Process(child.pid)
    assert child.poll() is None
    with pytest.raises(TimeoutError):
        child.wait(0.05)
    seen.send_signal(signal.SIGTERM)
    assert wait_until(lambda: seen.status() == psutil.STATUS_ZOMBIE, 20)
    assert child.wait(20) == -signal.SIGTERM
    assert child.poll() == -signal.SIGTERM
    assert wait_until(lambda: not seen.is_running(), 20)


def test_no_copy_outlives_whoever_started_it(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from tests.integration.local.test_copies import mirror
from tests.support.copies import Originals
child = Originals(Path({str(tmp_path)!r}), ({MIRROR!r},)).launch(mirror(Path({str(tmp_path)!r}), "wait"), {{}})
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        copy = psutil.Process(int(parent.stdout.readline()))
        assert copy.is_running()
        parent.kill()
    assert wait_until(lambda: gone(copy), 20)


def test_what_is_no_service_or_asks_for_more_is_started_by_its_arguments(originals: Originals, tmp_path: Path) -> None:
    other = Process("other", [sys.executable, "-c", "raise SystemExit(4)"], tmp_path / "log")
    for process, environment in ((other, {}), (mirror(tmp_path), {"OTEL_SDK_DISABLED": "true"})):
        child = originals.launch(process, environment)
        assert not isinstance(child, Copy)
        child.wait(20)


def test_a_program_that_cannot_be_loaded_is_told_with_its_log(tmp_path: Path) -> None:
    originals = Originals(tmp_path, ("tests.support.nowhere",))
    with pytest.raises(ProcessError, match=r"does not listen:(.|\n)*No module named"):
        originals.launch(mirror(tmp_path, program="tests.support.nowhere"), {})


def test_an_original_that_has_died_is_told(originals: Originals, tmp_path: Path) -> None:
    child = originals.launch(mirror(tmp_path), {})
    original = psutil.Process(child.pid).parent()
    assert original
    child.wait(20)
    original.kill()
    assert wait_until(lambda: original.status() == psutil.STATUS_ZOMBIE, 20)
    with pytest.raises(ProcessError, match="makes no copy"):
        originals.launch(mirror(tmp_path), {})
