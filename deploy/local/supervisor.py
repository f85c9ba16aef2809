"""Watches the processes of a stack and starts again what ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from deploy.local.process import Process, ProcessError, tail
from deploy.local.stack import Stack

_FIRST_PAUSE, _LONGEST_PAUSE, _CALM_SECONDS = 1.0, 30.0, 60.0


@dataclass(slots=True)
class _Record:
    started_at: float
    pause: float = _FIRST_PAUSE
    start_at: float | None = None


class Supervisor:
    """Ask it to `look` every half second or so."""

    def __init__(self, stack: Stack, report: Callable[[str], None]) -> None:
        self._stack = stack
        self._report = report
        self._records = {name: _Record(time.monotonic()) for name in stack.processes}

    def look(self) -> None:
        """Reports who died, and starts them after a pause that doubles while they keep dying."""
        for name, process in self._stack.processes.items():
            if not process.running:
                self._tend(process, self._records[name])

    def _tend(self, process: Process, record: _Record) -> None:
        now = time.monotonic()
        if record.start_at is None:
            record.pause = _FIRST_PAUSE if now - record.started_at > _CALM_SECONDS else record.pause
            record.start_at = now + record.pause
            self._report(
                f"{process.name} ended with code {process.exit_code}; it starts again in {record.pause:.0f} s."
                f" {process.log} ends with:\n{tail(process.log, 12)}"
            )
        elif now >= record.start_at:
            record.pause, record.start_at, record.started_at = min(_LONGEST_PAUSE, record.pause * 2), None, now
            try:
                process.start(wait=False)
            except ProcessError as error:
                self._report(str(error))
            else:
                self._stack.write_state()
