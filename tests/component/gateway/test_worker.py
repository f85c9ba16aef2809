"""The server's process outlives what goes wrong within one answer (E6)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import LOOPBACK, answers, choose
from deploy.local.process import Process


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """The worker with a small application."""
    port = choose(["http"], {})["http"]
    options = ["--worker-class", "gateway.worker.PatientWorker", "--threads", "4", "--bind", f"{LOOPBACK}:{port}"]
    argv = [sys.executable, "-m", "gunicorn", "--no-control-socket", *options, "tests.support.breaking:application"]
    process = Process("breaking", argv, tmp_path / "breaking.log", ready=lambda: answers(port))
    process.start()
    yield f"http://{LOOPBACK}:{port}"
    process.terminate()


def test_an_answer_that_breaks_off_ends_its_connection_and_no_other(url: str) -> None:
    """C11: whoever fetches it sees that the file is not whole, and nobody else sees anything."""
    with httpx.Client(base_url=url, trust_env=False) as other:
        worker = other.get("/").text
        for _ in range(3):
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                httpx.get(f"{url}/broken", trust_env=False)
            assert other.get("/").text == worker
