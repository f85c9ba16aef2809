"""Processes of services as copies of one that has loaded the same program and has done nothing else yet.

Loading takes a second of CPU, and the tests start and kill hundreds of processes. Arguments, environment, log, session and end of a
copy are those of `python -m services.<context>.main`; how that starts by itself is shown where `make up` is tested.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.process import Child, Process, ProcessError, base_environment, execute, tail, wait_until
from deploy.local.state import CONTEXTS
from tests.support.original import MOST_BYTES

SERVICES = tuple(f"services.{context}.main" for context in CONTEXTS)
_LOAD_SECONDS = 60.0


class Copy:
    """A process, as its starter sees it. Like any other it remains, dead, until its starter has learnt how it ended."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self._line = line
        self._code: int | None = None

    def poll(self) -> int | None:
        """The code it ended with (negative: the signal), or None."""
        try:
            return self.wait(0)
        except TimeoutError:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and gives the code. Raises TimeoutError."""
        if self._code is None:
            self._line.settimeout(timeout)
            try:
                told = self._line.recv(16)
            except BlockingIOError as error:
                raise TimeoutError from error
            # Without a word the original has ended, and its copies with it.
            self._code = int(told) if told else -signal.SIGKILL
            self._line.close()
        return self._code


class Originals:
    """One process for each program, started when first needed, which makes copies of itself."""

    def __init__(self, folder: Path, programs: Sequence[str] = SERVICES) -> None:
        self._folder = folder
        self._programs = programs
        self._children: dict[str, Child] = {}

    def launch(self, process: Process, environment: Mapping[str, str]) -> Child:
        """In place of `execute`: a copy, where the program is one of ours and nothing but our own settings is asked for."""
        match process.argv:
            case [sys.executable, "-m", program, *arguments] if program in self._programs:
                ours = process.user is None and process.death_signal == signal.SIGKILL
                if ours and all(name.startswith("ONEFOLD_") for name in environment):
                    return self._copy(process, program, arguments, environment)
        return execute(process, environment)

    def _copy(self, process: Process, program: str, arguments: list[str], environment: Mapping[str, str]) -> Child:
        wish = json.dumps(
            {
                "arguments": [program, *arguments],
                "environment": base_environment() | dict(environment),
                "folder": str(process.working_folder),
                "niceness": process.niceness,
            }
        ).encode()
        if len(wish) > MOST_BYTES:
            raise ProcessError(f"{process.name} has an environment of {len(wish)} bytes")
        address = self._original(program)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            line.connect(str(address))
            with process.log.open("ab") as log:
                socket.send_fds(line, [wish], [log.fileno()])
            return Copy(int(line.recv(16)), line)
        except (OSError, ValueError) as error:
            line.close()
            why = tail(self._folder / f"{program}.log")
            raise ProcessError(f"the original of {program} makes no copy: {error}\n{why}") from error

    def _original(self, program: str) -> Path:
        """Where it listens."""
        address = self._folder / program
        if program not in self._children:
            log = self._folder / f"{program}.log"
            original = Process(program, [sys.executable, "-m", "tests.support.original", program, str(address)], log)
            # Not `start`, which would wait for the very thread that this runs in.
            child = self._children[program] = execute(original, {})
            wait_until(lambda: address.exists() or child.poll() is not None, _LOAD_SECONDS)
            if not address.exists():
                raise ProcessError(f"the original of {program} does not listen:\n{tail(log)}")
        return address

    def close(self) -> None:
        """Ends the originals, and with them whatever copy is left."""
        for child in self._children.values():
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait(10)


@contextmanager
def copied_processes() -> Iterator[None]:
    """Meanwhile `Process` starts services as copies. Where a count is kept of what they reach, each loads for itself."""
    if any(name.startswith("COVERAGE_PROCESS") for name in os.environ):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="onefold-") as folder:
        originals = Originals(Path(folder))
        Process.launch = staticmethod(originals.launch)
        try:
            yield
        finally:
            Process.launch = staticmethod(execute)
            originals.close()
