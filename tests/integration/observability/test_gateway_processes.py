"""A gateway of several processes answers for metrics as one (H6)."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import httpx

from deploy.local.ports import LOOPBACK, choose
from deploy.local.probes import answers_http
from deploy.local.process import Process
from tests.integration.observability.conftest import Observed
from tests.support.until import until

_COUNT = re.compile(r'onefold_http_request_seconds_count\{method="GET",route="/",status="3xx"\} (\S+)')


def test_whichever_process_is_asked_answers_for_all_and_for_those_that_are_gone(observed: Observed) -> None:
    """Two workers; one is killed, and what it has counted stays."""
    gateway, ports = observed.system.process("gateway"), choose(["http", "metrics"], {})
    url, metrics = (f"http://{LOOPBACK}:{ports[name]}/" for name in ("http", "metrics"))
    address = {
        "ONEFOLD_METRICS_LISTEN": f"{LOOPBACK}:{ports['metrics']}",
        "ONEFOLD_GATEWAY_WORKERS": "2",
        "ONEFOLD_GATEWAY_THREADS": "1",
    }
    argv = [f"{LOOPBACK}:{ports['http']}" if before == "--bind" else word for before, word in _pairs(gateway.argv)]
    log = observed.system.stack.data.logs / "two-gateways.log"
    pair = Process("gateway", argv, log, dict(gateway.environment) | address, answers_http(url))
    pair.start()
    try:
        workers = until(lambda: found if len(found := _children(pair.pid)) == 2 else [], "two processes serve")

        def counted() -> set[float]:
            told = [_COUNT.search(httpx.get(metrics, trust_env=False).text) for _ in range(6)]
            return {float(found[1]) for found in told if found}

        (before,) = until(lambda: once if len(once := counted()) == 1 else set(), "all say the same")
        for _ in range(20):
            assert httpx.get(url, trust_env=False).status_code == 302
        assert counted() == {before + 20}
        os.kill(workers[0], signal.SIGKILL)
        until(lambda: len(now := _children(pair.pid)) == 2 and workers[0] not in now, "another takes its place")
        assert counted() == {before + 20}
    finally:
        pair.terminate()


def _pairs(words: object) -> list[tuple[str, str]]:
    listed = list(words)  # type: ignore[call-overload]
    return list(zip(["", *listed], listed, strict=False))


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
