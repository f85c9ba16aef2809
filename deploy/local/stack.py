"""The whole system on one machine: used by `make up`, the tests, the fault runs and the bench alike."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.migrations import Migrations
from deploy.local.nats import Nats
from deploy.local.ports import LOOPBACK, choose
from deploy.local.postgres import Postgres
from deploy.local.probes import answers_http, listens, serves_grpc
from deploy.local.process import ROOT, Process, ProcessError, run_once
from deploy.local.provision import database_urls, provision, run_sync
from deploy.local.settings import PORTS, Settings
from deploy.local.state import CONTEXTS, DataFolder, RunningStack, read_json, write_private

# Mails can wait a moment; a customer at the counter cannot.
_MAIL_NICENESS = 10
# An index over a million rows takes minutes; whoever breaks that off begins anew at the next start.
_MIGRATION_SECONDS = 1_800.0


class Stack:
    """All processes of Onefold with their database, broker and mail catcher, in one data folder.

    `postgres_url` (a superuser's) and `nats_url` name servers to use instead of starting our own.
    """

    def __init__(self, folder: Path, *, postgres_url: str = "", nats_url: str = "") -> None:
        self.data = DataFolder(folder)
        self._postgres_url = postgres_url
        self._nats_url = nats_url
        self._processes: dict[str, Process] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- what there is -------------------------------------------------------------------------------------------

    def process(self, name: str) -> Process:
        """By name: postgres, nats, mail, gateway, <context>-serve, <context>-work. KeyError when not ours."""
        return self._processes[name]

    @property
    def processes(self) -> dict[str, Process]:
        """All processes, in the order of their start."""
        return dict(self._processes)

    def _of_kind(self, *kinds: str) -> list[Process]:
        """Processes by the last word of their names, which a number may follow: serve, work, gateway, nats …"""
        return [
            process
            for name, process in self._processes.items()
            if name.rstrip("-0123456789").rpartition("-")[2] in kinds
        ]

    @property
    def running(self) -> RunningStack:
        """Addresses, database URLs and pids, as other commands read them from `stack.json`."""
        return RunningStack(
            pid=os.getpid(),
            gateway_url=self.settings.gateway_url,
            mail_url=self.settings.mail_url,
            payments_url=self.settings.payments_url,
            social_url=self.settings.social_url,
            smtp_url=self.settings.smtp_url,
            nats_url=self.settings.nats_url,
            nats_monitor_url="" if self._nats_url else self.brokers[0].monitor_url,
            postgres_url=self._admin_url,
            targets=self.settings.targets,
            databases=dict(self.settings.databases),
            processes={name: process.pid for name, process in self._processes.items() if process.running},
            metrics=self.settings.metrics_urls,
            service_key=self.settings.service_key,
            data=self.data.path,
        )

    @property
    def notice(self) -> str:
        """Something a person should know about where data lies; mostly empty."""
        return "" if self._postgres_url else self.postgres.notice

    # --- start -----------------------------------------------------------------------------------------------------

    def start(self, *, on_page: Callable[[], None] | None = None) -> None:
        """Starts everything; calls `on_page` once the first page answers.

        Raises ProcessError with a log's tail, or DataFolderError, after stopping what had been started.
        """
        self.data.acquire()
        try:
            self._prepare()
            self._start_infrastructure()
            self._migrate()
            self._start_services(on_page)
        except BaseException:
            self.stop()
            raise

    def _prepare(self) -> None:
        ports = choose(self._port_names(), read_json(self.data.path / "ports.json"))
        write_private(self.data.path / "ports.json", ports)
        self.postgres = self._make_postgres(ports)
        self.brokers = self._make_brokers(ports)
        self._admin_url = self._postgres_url or self.postgres.admin_url
        self.settings = self._make_settings(ports)
        if not self._postgres_url:
            self._processes["postgres"] = self.postgres.process
        if not self._nats_url:
            self._processes |= {broker.process.name: broker.process for broker in self.brokers}
        self._processes["mail"] = self._mail()
        self._add_services()

    def _port_names(self) -> Sequence[str]:
        return PORTS

    def _make_postgres(self, ports: Mapping[str, int]) -> Postgres:
        return Postgres(self.data, ports["postgres"])

    def _make_brokers(self, ports: Mapping[str, int]) -> Sequence[Nats]:
        return [Nats(self.data, ports["nats"], ports["nats_monitor"])]

    def _make_settings(self, ports: Mapping[str, int]) -> Settings:
        return Settings(
            data=self.data,
            ports=ports,
            databases={context: database_urls(self._admin_url, self.data, context) for context in CONTEXTS},
            nats_url=self._nats_url or ",".join(broker.url for broker in self.brokers),
        )

    def _add_services(self) -> None:
        for context in CONTEXTS:
            self._processes[f"{context}-serve"] = self._service(context, "serve")
        self._processes["gateway"] = self._gateway()
        for context in CONTEXTS:
            self._processes[f"{context}-work"] = self._service(context, "work")

    def _start_infrastructure(self) -> None:
        def database() -> None:
            if not self._postgres_url:
                self.postgres.start()
            run_sync(provision(self._admin_url, self.data))

        def broker() -> None:
            if not self._nats_url:
                for each in self.brokers:
                    each.process.start(wait=False)
                together(*(each.process.wait_ready for each in self.brokers))

        together(database, broker, lambda: self.process("mail").start(wait=False))

    def _migrate(self) -> None:
        migrations = Migrations(self.data, self.settings.databases)
        if pending := migrations.pending():
            together(*(partial(run_once, self._service(context, "migrate")) for context in pending))
            migrations.note()

    def _start_services(self, on_page: Callable[[], None] | None) -> None:
        first, rest = self._of_kind("gateway", "serve"), self._of_kind("work")
        for process in first:
            process.start(wait=False)
        together(*(process.wait_ready for process in first))
        if on_page:
            on_page()
        for process in rest:
            process.start(wait=False)
        together(*(process.wait_ready for process in [self.process("mail"), *rest]))
        self.write_state()

    def write_state(self) -> None:
        """Writes `stack.json` for other commands."""
        write_private(self.data.state_file, asdict(self.running) | {"data": str(self.data.path)})

    # --- stop ------------------------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stops everything in order: the gateway, the services, mail, broker, database."""
        for kinds in (("gateway",), ("work", "serve"), ("mail", "nats"), ("postgres",)):
            stop_together(self._of_kind(*kinds))
        self.data.state_file.unlink(missing_ok=True)
        self.data.release()

    # --- the processes ---------------------------------------------------------------------------------------------

    def _log(self, name: str) -> Path:
        return self.data.logs / f"{name}.log"

    def _service(self, context: str, command: str, host: str = LOOPBACK) -> Process:
        sends_mail = (context, command) == ("notification", "work")
        # Who gives way to everybody comes up late on a busy machine, and nobody needs to wait for it.
        told = command != "migrate" and not sends_mail
        return Process(
            name=f"{context}-{command}",
            argv=[sys.executable, "-m", f"services.{context}.main", command],
            log=self._log(f"{context}-{command}"),
            environment=self.settings.service(context, command, host),
            ready_seconds=_MIGRATION_SECONDS if command == "migrate" else 60.0,
            ready=serves_grpc(self.settings.health_target(context, command, host)) if told else None,
            niceness=_MAIL_NICENESS if sends_mail else 0,
        )

    def _gateway(self, host: str = LOOPBACK) -> Process:
        address = f"{host}:{self.settings.ports['gateway']}"
        return Process(
            name="gateway",
            argv=[
                *(sys.executable, "-m", "gunicorn", "-c", str(ROOT / "gateway" / "gunicorn.conf.py")),
                *("--bind", address, "gateway.app:create_app()"),
            ],
            log=self._log("gateway"),
            environment=self.settings.gateway(host),
            ready=answers_http(f"http://{address}/"),
        )

    def _mail(self) -> Process:
        smtp, web, payments, social = (self.settings.ports[n] for n in ("smtp", "mail_web", "payments", "social"))
        return Process(
            name="mail",
            niceness=_MAIL_NICENESS,
            argv=[
                *(sys.executable, "-m", "deploy.local.mail", "--folder", str(self.data.path / "mail")),
                *("--smtp-port", str(smtp), "--web-port", str(web), "--payments-port", str(payments)),
                *("--social-port", str(social)),
            ],
            log=self._log("mail"),
            ready=listens(smtp, web, payments, social),
        )


def together(*tasks: Callable[[], None]) -> None:
    """Runs the tasks at the same time; when some fail, raises the first failure after all have ended."""
    if not tasks:
        return
    pool = ThreadPoolExecutor(max_workers=len(tasks))
    try:
        failures = [future.exception() for future in [pool.submit(task) for task in tasks]]
    finally:
        pool.shutdown(wait=False)  # after Ctrl-C what is still waiting ends when its process is stopped
    for failure in failures:
        if failure:
            raise failure


def stop_together(processes: Iterable[Process]) -> None:
    """Asks all of them to stop, then waits for each."""
    started = [process for process in processes if process.running]
    for process in started:
        process.terminate(wait=False)
    together(*(process.wait_stopped for process in started))


__all__ = ["ProcessError", "Stack"]
