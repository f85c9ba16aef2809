"""The whole system in containers: deploy/compose.yaml, from the images that `make images` has built, under names and secrets of its own."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.local.ports import choose
from deploy.local.process import ROOT
from deploy.local.state import CONTEXTS

_PROJECT = "onefold-test"
_SERVERS = ("postgres", "nats", "mail")
# Podman 4 cannot wait for a container to be healthy, so what compose.yaml puts in order is put in order here.
_ONCE = tuple(f"{context.replace('_', '-')}-{command}" for context in CONTEXTS for command in ("provision", "migrate"))
LASTING = (
    *(f"{context.replace('_', '-')}-{command}" for context in CONTEXTS for command in ("serve", "work")),
    "gateway",
)
OURS = ("mail", *LASTING)
_START_SECONDS = 90.0


class ContainerError(Exception):
    """Something did not start or did not come to its end; the message holds what it printed."""


@dataclass
class Settings:
    """Where the system is reached; as deploy.local.settings.Settings as far as tests ask."""

    gateway_url: str
    mail_url: str
    service_key: str
    targets: dict[str, str] = field(default_factory=dict)


class Containers:
    """Stands in for deploy.local.stack.Stack where tests ask for its `settings`."""

    settings: Settings

    def __init__(self, folder: Path, engine: str) -> None:
        self._engine = engine
        self._secrets = folder / "secrets.env"
        self._ports = choose(("gateway", "mail"), {})

    def up(self) -> None:
        """Starts everything. Raises ContainerError."""
        self.compose("up", "--detach", "--no-deps", *_SERVERS)
        for name in _ONCE:
            # The database may still be on its way.
            _until(lambda name=name: self._tries("run", "--rm", "--no-deps", name))  # type: ignore[misc]
        self.compose("up", "--detach", "--no-deps", *LASTING)
        secrets = dict(line.split("=", 1) for line in self._secrets.read_text().splitlines())
        self.settings = Settings(
            f"http://127.0.0.1:{self._ports['gateway']}",
            f"http://127.0.0.1:{self._ports['mail']}",
            secrets["ONEFOLD_SERVICE_KEY"],
            {context: f"{self._address(context.replace('_', '-'))}:50051" for context in CONTEXTS},
        )
        _until(self._ready)

    def down(self) -> None:
        """Stops everything and deletes its data."""
        self.compose("down", "--volumes")

    def compose(self, *arguments: str) -> str:
        """deploy/compose.sh, and what it printed. Raises ContainerError."""
        return self._run(str(ROOT / "deploy" / "compose.sh"), "--project-name", _PROJECT, *arguments).stdout

    def stop(self, name: str, seconds: int) -> None:
        """SIGTERM, and SIGKILL after so many seconds."""
        self._run(self._engine, "stop", "--time", str(seconds), self.container(name))

    def log(self, name: str) -> str:
        """What a container has printed."""
        answer = self._run(self._engine, "logs", self.container(name))
        return answer.stdout + answer.stderr

    def container(self, name: str) -> str:
        """The container of a process of compose.yaml."""
        return f"{_PROJECT}_{name}_1"

    def memory(self) -> dict[str, tuple[int, int]]:
        """What each container uses and may use, in MiB."""
        found = {}
        for name in (*_SERVERS, *LASTING):
            stats = json.loads(
                self._run(self._engine, "stats", "--no-stream", "--format", "json", self.container(name)).stdout
            )
            used, limit = stats[0]["mem_usage"].split(" / ")
            found[name] = (_mebibytes(used), _mebibytes(limit))
        return found

    def inspect(self, name: str, template: str) -> str:
        """One fact about a container."""
        return self._run(self._engine, "inspect", "--format", template, self.container(name)).stdout.strip()

    def execute(self, name: str, *command: str) -> str:
        """What a program inside a container prints. Raises ContainerError."""
        return self._run(self._engine, "exec", self.container(name), *command).stdout

    def _ready(self) -> bool:
        try:
            answer = httpx.get(f"{self.settings.gateway_url}/readyz", trust_env=False)
        except httpx.TransportError:
            return False
        return answer.status_code == 200 and all(answer.json()["services"].values())

    def _address(self, context: str) -> str:
        return self.inspect(f"{context}-serve", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")

    def _tries(self, *arguments: str) -> bool:
        try:
            self.compose(*arguments)
        except ContainerError:
            return False
        return True

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "ONEFOLD_ENV_FILE": str(self._secrets),
            "ONEFOLD_PORT": str(self._ports["gateway"]),
            "ONEFOLD_MAIL_PORT": str(self._ports["mail"]),
        }
        answer = subprocess.run(command, capture_output=True, text=True, env=environment)
        if answer.returncode:
            raise ContainerError(
                f"{' '.join(command)}: {answer.returncode}\n{answer.stdout[-2_000:]}{answer.stderr[-4_000:]}"
            )
        return answer


def _until(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not what():
        if time.monotonic() > deadline:
            raise ContainerError(f"not within {_START_SECONDS:.0f} s")
        time.sleep(0.5)


def _mebibytes(text: str) -> int:
    """podman's "52.3MB", which are millions of bytes."""
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if text.endswith(unit):
            return round(float(text.removesuffix(unit)) * size / 2**20)
    return 0
