"""Whether a process has ended."""

from __future__ import annotations

import psutil


def gone(process: psutil.Process) -> bool:
    """Ended, if only between the two questions, or a zombie that waits for its parent."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
