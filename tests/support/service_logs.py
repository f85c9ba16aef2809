"""What services said while a test failed: it is mostly there that one reads why."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from tests.support.stack import TEST_FOLDER

# Of each log's end; a test that fails has seldom seen more.
_BYTES = 256 * 1024
_LINES = 60
_USUAL = {"info", "debug"}


def said_since(seconds: float, folder: Path = TEST_FOLDER) -> str:
    """Warnings, errors and what is no log line at all (a traceback), by the processes of this test process's stacks since then.

    `seconds` as time.time() gives them.
    """
    since = datetime.fromtimestamp(seconds, UTC).isoformat()
    logs = sorted(folder.glob(f"*-{os.getpid()}/log/*.log"))
    return "\n".join(
        f"{log.stem}: {line}"
        for log in logs
        if log.stat().st_mtime >= seconds
        for line in list(_unusual(log, since))[-_LINES:]
    )


def _unusual(log: Path, since: str) -> Iterator[str]:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _BYTES))
        text = file.read().decode(errors="replace")
    recent = False
    for line in text.splitlines():
        level, timestamp = _read(line)
        if timestamp:
            recent = timestamp >= since
        # A line without a time is as old as the one before it.
        if recent and level not in _USUAL:
            yield line


def _read(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
        return str(entry["level"]), str(entry["timestamp"])
    except (ValueError, KeyError, TypeError):
        return "", ""
