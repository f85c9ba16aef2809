"""Small file systems that can really be full. They are mounted for this process and its children alone, and vanish with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_INSIDE = "ONEFOLD_FAULTS_MOUNTS"


def enter(arguments: Sequence[str]) -> str:
    """Begins the program anew in a mount namespace of its own; where that cannot be, why full disks are left out."""
    if os.environ.get(_INSIDE):
        return ""
    if os.geteuid() != 0:
        return "full disks need root, who may mount small file systems"
    program = shutil.which("unshare")
    if program is None or subprocess.run([program, "--mount", "true"], capture_output=True).returncode:
        return "full disks need `unshare --mount`, which does not work here"
    os.environ[_INSIDE] = "1"
    command = [program, "--mount", "--propagation", "private", sys.executable, *arguments]
    return str(os.execv(program, command))  # which does not come back


class Disk:
    """A file system of `megabytes` at a folder, in memory."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=711", "onefold-faults", str(folder)]
        subprocess.run(command, check=True, capture_output=True)
        self.folder = folder
        self._balloon = folder / "balloon"

    def fill(self) -> None:
        """Leaves not a page free."""
        with self._balloon.open("ab") as file:
            while free := self._free():
                try:
                    os.posix_fallocate(file.fileno(), file.tell(), free)
                except OSError:
                    break  # somebody else took some of it
                file.seek(0, os.SEEK_END)

    def relieve(self) -> None:
        """Gives the space back."""
        self._balloon.unlink(missing_ok=True)

    def unmount(self) -> None:
        """Takes it away, with what is on it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True, capture_output=True)

    def _free(self) -> int:
        status = os.statvfs(self.folder)
        return status.f_bavail * status.f_frsize
