"""Becomes another program that cannot outlive the runner: `child.py PARENT_PID SIGNAL UID GID NICE PROGRAM ARGUMENT…`.

A program of its own rather than `preexec_fn`, because code between fork and exec is unsafe in a process with threads,
and because `subprocess` can use vfork then, which spares the fork handlers of gRPC.
"""

import ctypes
import os
import shutil
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1


def yield_to_others(niceness: int) -> None:
    """Takes the processors only as far as others leave them. Each of our processes is a session of its own, and where the
    kernel groups sessions, niceness counts within the group only; then it is the group that must be nice."""
    os.nice(niceness)
    group = Path(f"/proc/{os.getpid()}/autogroup")
    if group.exists():
        group.write_text(str(niceness))


def main() -> None:
    """Drops the user, ties the life to the parent's, and executes the program."""
    parent, signal_number, uid, gid, niceness = (int(value) for value in sys.argv[1:6])
    arguments = sys.argv[6:]
    # Found now: once the user has changed, not even Python's own modules need be readable.
    program = shutil.which(arguments[0]) or arguments[0]
    if niceness:
        yield_to_others(niceness)
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if sys.platform == "linux":
        # After setuid: the kernel clears the wish whenever a process changes its user.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the parent ended before the program began")
    os.execv(program, arguments)


if __name__ == "__main__":
    main()
