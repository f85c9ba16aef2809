"""Processes of the local runner: started, watched, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import LOOPBACK, choose, is_free
from deploy.local.process import Process, ProcessError, wait_until
from tests.support.ended import gone

SLEEP = "import time; time.sleep(60)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
)


def python(code: str, folder: Path, **options: object) -> Process:
    """A process that runs a line of Python."""
    return Process("example", [sys.executable, "-c", code], folder / "example.log", **options)  # type: ignore[arg-type]


def test_a_killed_parent_leaves_no_children(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from deploy.local.postgres import unprivileged_user
from deploy.local.process import Process
for number, user in enumerate((None, unprivileged_user())):
    process = Process(f"p{{number}}", ["sleep", "60"], Path({str(tmp_path)!r}) / "log", user=user)
    process.start()
    print(process.pid, flush=True)
print("ready", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pids = [int(line) for line in iter(parent.stdout.readline, "ready\n")]
        children = [psutil.Process(pid) for pid in pids]
        assert wait_until(lambda: all(child.name() == "sleep" for child in children), 5)
        parent.kill()
    assert wait_until(lambda: all(map(gone, children)), 5)


def test_a_process_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    process = python("print('the reason'); raise SystemExit(3)", tmp_path, ready=lambda: False)
    with pytest.raises(ProcessError, match=r"example ended with code 3(.|\n)*the reason"):
        process.start()


def test_a_process_that_never_becomes_ready_is_reported_with_its_log(tmp_path: Path) -> None:
    process = python("print('still busy', flush=True);" + SLEEP, tmp_path, ready=lambda: False, ready_seconds=1.0)
    with pytest.raises(ProcessError, match=r"not ready after 1 s(.|\n)*still busy"):
        process.start()
    process.kill()


def test_a_process_that_does_not_stop_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "example.log"
    process = python(STUBBORN, tmp_path, stop_seconds=0.5, ready=lambda: "deaf" in log.read_text())
    process.start()
    process.terminate()
    assert process.exit_code == -signal.SIGKILL


def test_a_program_that_is_not_there_is_reported(tmp_path: Path) -> None:
    process = Process("example", ["/nowhere/at-all"], tmp_path / "log", ready=lambda: False)
    with pytest.raises(ProcessError, match="No such file"):
        process.start()


def test_variables_for_one_run_are_gone_at_the_next(tmp_path: Path) -> None:
    log = tmp_path / "example.log"
    process = python("import os; print('point', os.environ.get('ONEFOLD_CRASH_AT'))", tmp_path)
    process.start({"ONEFOLD_CRASH_AT": "after-commit"}, wait=False)
    process.wait(10)
    process.start(wait=False)
    process.wait(10)
    assert log.read_text().splitlines() == ["point after-commit", "point None"]


def test_settings_and_proxies_of_the_caller_are_not_handed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEFOLD_POSTGRES_URL", "postgresql://elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example")
    process = python("import os; print(sorted(n for n in os.environ if 'ONEFOLD' in n or 'PROXY' in n))", tmp_path)
    process.start(wait=False)
    process.wait(10)
    assert "HTTP_PROXY" not in process.log.read_text()
    assert "ONEFOLD" not in process.log.read_text()


def test_kill_takes_the_workers_of_a_process_along(tmp_path: Path) -> None:
    process = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])", tmp_path)
    process.start()
    parent = psutil.Process(process.pid)
    assert wait_until(lambda: bool(parent.children()), 5)
    (worker,) = parent.children()
    process.kill()
    assert wait_until(lambda: gone(worker), 5)
    with pytest.raises(ProcessError, match="not running"):
        process.signal(signal.SIGTERM)


def test_kept_ports_stay_unless_one_is_taken(tmp_path: Path) -> None:
    ports = choose(["a", "b"], {})
    assert choose(["a", "b"], ports) == ports
    code = f"import socket, time; s = socket.create_server(({LOOPBACK!r}, {ports['b']})); time.sleep(60)"
    process = python(code, tmp_path, ready=lambda: not is_free(ports["b"]))
    process.start()
    other = choose(["a", "b"], ports)
    assert other["b"] != ports["b"]
    process.kill()


def test_the_runner_is_not_stopped_by_time_alone() -> None:
    began = time.monotonic()
    assert not wait_until(lambda: False, 0.1)
    assert time.monotonic() - began >= 0.1
    assert os.getpid() > 0
