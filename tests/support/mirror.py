"""`python -m tests.support.mirror`: tells what a process finds itself to be, and ends as it is told to."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from pathlib import Path

from services.common import crash
from services.common.ids import new_id


def main() -> None:
    """Ends with code 3, or at the crash point "mirror", or waits."""
    seen = {
        "arguments": sys.argv,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "leads": [os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid()],
        "nice": os.nice(0),
        "signals": [str(signal.getsignal(each)) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD)],
        "open": len(list(Path("/proc/self/fd").iterdir())),
        "path": sys.path,
    }
    dice = {"random": random.random(), "id": str(new_id()), "secret": os.urandom(8).hex()}
    print(json.dumps([seen, dice]))  # noqa: T201 - read from the log
    crash.point("mirror")
    if sys.argv[1:] == ["wait"]:
        signal.pause()
    sys.exit(3)


if __name__ == "__main__":
    main()
