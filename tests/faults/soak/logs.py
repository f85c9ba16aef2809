"""What processes have called an error in their logs since the beginning of a run: alerts count by it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path


class Logs:
    """The logs of a stack, from now on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._begun = {log: log.stat().st_size for log in folder.glob("*.log")}

    def errors(self) -> dict[str, int]:
        """How often each thing was said, by process, event and what was raised."""
        found = Counter[str]()
        for log in sorted(self._folder.glob("*.log")):
            with log.open("rb") as file:
                file.seek(self._begun.get(log, 0))
                found.update(f"{log.stem}: {event}" for line in file if (event := _error(line)))
        return dict(found)


def _error(line: bytes) -> str:
    """The event that a line calls an error; empty for all others, and for what is not of ours."""
    if not line.startswith(b"{"):
        return ""
    try:
        said = json.loads(line)
    except ValueError:
        return ""  # cut off, as its process was killed
    if said.get("level") not in ("error", "critical"):
        return ""
    raised = str(said.get("exception", "")).rpartition("\n")[2]
    return f"{said.get('event', '?')} ({raised})" if raised else str(said.get("event", "?"))
