"""A stack whose processes reach one another by ways that can break, with database and broker on small disks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.local.nats import Nats
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import Postgres
from deploy.local.process import Process
from deploy.local.state import CONTEXTS
from tests.faults.soak.disks import Disk
from tests.faults.soak.links import Links
from tests.faults.system import QuickStack

DATABASE_MB, BROKER_MB = 3_072, 768
# The log of the database must not take the small disk for itself.
_LOG_SIZES = {"max_wal_size": "256MB", "min_wal_size": "64MB"}
_SERVERS = {"ONEFOLD_DATABASE_URL": "postgres", "ONEFOLD_NATS_URL": "nats", "ONEFOLD_SMTP_URL": "mail"} | {
    f"ONEFOLD_{context.upper()}_TARGET": f"{context}-serve" for context in CONTEXTS
}


class _OnDisk(Postgres):
    """A database whose files are in a folder of their own, where a disk can be mounted."""

    def _places(self) -> tuple[Path, Path]:
        install, cluster = super()._places()
        return install, cluster.with_name("postgres-disk") / "data"


class SoakStack(QuickStack):
    """`small_disks`: mounts them, which needs root and a mount namespace of one's own (disks.py)."""

    def __init__(self, folder: Path, seed: int, *, small_disks: bool) -> None:
        super().__init__(folder)
        self.links = Links(seed)
        self.disks: dict[str, Disk] = {}
        self._small_disks = small_disks

    def stop(self) -> None:
        """Stops everything, the disks and ways last."""
        super().stop()
        for disk in self.disks.values():
            disk.unmount()
        self.disks.clear()

    def close(self) -> None:
        """Ends the ways."""
        self.links.close()

    def _make_postgres(self, ports: Mapping[str, int]) -> Postgres:
        if not self._small_disks:
            return super()._make_postgres(ports)
        postgres = _OnDisk(self.data, ports["postgres"], _LOG_SIZES)
        self.disks["postgres"] = Disk(postgres.cluster.parent, DATABASE_MB)
        return postgres

    def _make_brokers(self, ports: Mapping[str, int]) -> Sequence[Nats]:
        brokers = super()._make_brokers(ports)
        if self._small_disks:
            self.disks["nats"] = Disk(self.data.path / "nats", BROKER_MB)
        return brokers

    def _service(self, context: str, command: str, host: str = LOOPBACK) -> Process:
        process = super()._service(context, command, host)
        return process if command == "migrate" else self._by_links(process)

    def _gateway(self, host: str = LOOPBACK) -> Process:
        return self._by_links(super()._gateway(host))

    def _by_links(self, process: Process) -> Process:
        own = f"{process.name.partition('-')[0]}-serve"
        process.environment = {
            name: self._led(process.name, _SERVERS[name], value) if _SERVERS.get(name, own) != own else value
            for name, value in process.environment.items()
        }
        return process

    def _led(self, source: str, destination: str, address: str) -> str:
        """The same address by its way; `host:port` or a URL."""
        parts = urlsplit(address if "://" in address else f"//{address}")
        assert parts.port, address
        port = self.links.way(source, destination, parts.port)
        before, _, _ = parts.netloc.rpartition(":")
        led = urlunsplit(parts._replace(netloc=f"{before}:{port}"))
        return led if "://" in address else led.removeprefix("//")
