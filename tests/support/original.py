"""`python -m tests.support.original MODULE ADDRESS`: loads a program, and starts copies of itself that run it (copies.py)."""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from deploy.local.child import PR_SET_PDEATHSIG, yield_to_others

MOST_BYTES = 1 << 17


class _Original:
    """Tells on each line the pid of the copy that was asked for there, and once it has ended the code."""

    def __init__(self, address: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Its name appears once it listens: who connects earlier would be refused.
        draft = Path(f"{address}.draft")
        self._listener.bind(str(draft))
        self._listener.listen()
        draft.rename(address)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._pids: dict[socket.socket, int] = {}

    def run(self) -> tuple[dict[str, Any], int]:
        """Starts copies for ever. Comes back in each copy, with what it is to be and its log."""
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    line, _ = self._listener.accept()
                    self._selector.register(line, selectors.EVENT_READ)
                elif isinstance(line := key.fileobj, socket.socket):
                    if line in self._pids:
                        self._let_go(line)
                    elif wish := self._begin(line):
                        return wish
                else:
                    self._tell_end(key.fd, key.data)

    def _begin(self, line: socket.socket) -> tuple[dict[str, Any], int] | None:
        message, [log], _, _ = socket.recv_fds(line, MOST_BYTES, 1)
        pid = os.fork()
        if not pid:
            for held in list(self._selector.get_map().values()):
                os.close(held.fd)
            self._selector.close()
            return json.loads(message), log
        os.close(log)
        self._pids[line] = pid
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, line)
        line.send(str(pid).encode())
        return None

    def _tell_end(self, pidfd: int, line: socket.socket) -> None:
        """The dead remain until whoever asked for them has learnt of it, so that their number is nobody else's."""
        ended = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOWAIT)
        if ended is None:
            raise RuntimeError("a process has ended and has no code")
        self._selector.unregister(pidfd)
        os.close(pidfd)
        line.send(str(ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status).encode())

    def _let_go(self, line: socket.socket) -> None:
        self._selector.unregister(line)
        line.close()
        os.waitpid(self._pids.pop(line), 0)


def _load(module: str) -> None:
    """Everything that the program imports, itself left out: it is run anew by each copy, as by `python -m`."""
    importlib.import_module(module)
    package, _, name = module.rpartition(".")
    del sys.modules[module]
    delattr(sys.modules[package], name)
    if len(list(Path("/proc/self/task").iterdir())) > 1:
        raise SystemExit(f"{module} starts threads when it is loaded; of a process with threads no copy can be made")
    gc.collect()
    gc.freeze()


def _become(wish: dict[str, Any], log: int, parent: int) -> None:
    """What deploy/local/child.py and the start of Python do for a new process."""
    os.setsid()
    if wish["niceness"]:
        yield_to_others(wish["niceness"])
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        raise SystemExit("the original ended before the copy began")
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.environ.clear()
    os.environ.update(wish["environment"])
    os.chdir(wish["folder"])
    sys.argv = wish["arguments"]
    # The one module that reads the environment when it is loaded.
    if crash := sys.modules.get("services.common.crash"):
        importlib.reload(crash)


def main() -> None:
    """Loads, copies, and in a copy runs the program to its end."""
    module, address = sys.argv[1:]
    _load(module)
    parent = os.getpid()
    wish, log = _Original(address).run()
    _become(wish, log, parent)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
