"""What a failed test shows of its services' logs."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.support.service_logs import said_since


def line(level: str, event: str, seconds: float) -> str:
    return json.dumps({"level": level, "event": event, "timestamp": datetime.fromtimestamp(seconds, UTC).isoformat()})


def test_warnings_and_tracebacks_since_then_are_shown_and_nothing_else(tmp_path: Path) -> None:
    now = time.time()
    folder = tmp_path / f"stack-{os.getpid()}" / "log"
    folder.mkdir(parents=True)
    lines = [
        line("error", "long ago", now - 60),
        "Traceback of long ago",
        line("info", "as always", now + 1),
        line("warning", "slow", now + 2),
        "Traceback (most recent call last):",
    ]
    (folder / "gateway.log").write_text("\n".join(lines))
    (folder / "mail.log").write_text(line("error", "of before", now - 60))
    other = tmp_path / "stack-1" / "log"
    other.mkdir(parents=True)
    (other / "gateway.log").write_text(line("error", "another process's", now + 1))
    assert said_since(now, tmp_path).splitlines() == [f"gateway: {lines[3]}", f"gateway: {lines[4]}"]
    assert said_since(now + 3_600, tmp_path) == ""
