"""Becomes another program that cannot outlive the runner: `child.py PARENT_PID SIGNAL UID GID PROGRAM ARGUMENT…`.

A program of its own rather than `preexec_fn`, because code between fork and exec is unsafe in a process with threads,
and because `subprocess` can use vfork then, which spares the fork handlers of gRPC.
"""

import ctypes
import os
import shutil
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drops the user, ties the life to the parent's, and executes the program."""
    parent, signal_number, uid, gid = (int(value) for value in sys.argv[1:5])
    arguments = sys.argv[5:]
    # Found now: once the user has changed, not even Python's own modules need be readable.
    program = shutil.which(arguments[0]) or arguments[0]
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
