"""The whole system as a cluster runs it: several processes of each kind, called by names, and a broker of several servers.

Each replica has an address of its own on the loopback network, 127.0.0.1, .2, .3 …, and all of a kind the same port, as pods have.
"""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy.local.names import Names
from deploy.local.nats import Nats
from deploy.local.probes import serves_grpc
from deploy.local.process import Process, ProcessError
from deploy.local.settings import PORTS, Settings, host_name
from deploy.local.stack import Stack
from deploy.local.state import CONTEXTS

GATEWAY = host_name("gateway")
# Kubernetes kills what is not gone by then.
GRACE_SECONDS = 30.0
KINDS = (*(f"{context}-serve" for context in CONTEXTS), "gateway", *(f"{context}-work" for context in CONTEXTS))


class Cluster(Stack):
    """A stack with `replicas` of each process, orders-serve and orders-serve-2, behind names, and `brokers` of NATS, nats and nats-2."""

    def __init__(self, folder: Path, *, replicas: int = 2, brokers: int = 3) -> None:
        super().__init__(folder)
        self.names = Names()
        self._replicas = replicas
        self._broker_count = brokers
        self._hosts: dict[str, str] = {}
        self._hosts_given: Counter[str] = Counter()

    @property
    def gateway_urls(self) -> list[str]:
        """The gateways among which a balancer would choose now."""
        return [f"http://{host}:{self.settings.ports['gateway']}" for host in self.names.of(GATEWAY)]

    def replicas(self, kind: str) -> list[str]:
        """Names of the processes of a kind, which is one of KINDS."""
        return [kind, *(f"{kind}-{number}" for number in range(2, self._replicas + 1))]

    def stop(self) -> None:
        """Stops everything, the name server last."""
        super().stop()
        self.names.close()

    def replace(self, name: str, heed_seconds: float) -> float:
        """As a rolling update with maxSurge 1 and maxUnavailable 0 does: the new process first, then the end of the old one.

        Between the old one's leaving the names and its SIGTERM lie `heed_seconds`: the preStop hook. Returns how many seconds after
        SIGTERM it was gone. Raises ProcessError when it outlives the grace period, or ends with another code than 0.
        """
        old, host = self._processes[name], self._hosts[name]
        new = self._make(name)
        new.start()
        self._enter(name)
        self._processes[name] = new
        self._leave(name, host)
        time.sleep(heed_seconds)
        asked = time.monotonic()
        old.terminate(wait=False)
        if (code := old.wait(GRACE_SECONDS)) != 0:
            raise ProcessError(f"{name} ended with code {code} when it was asked to stop; {old.log}")
        return time.monotonic() - asked

    def roll(self, kind: str, heed_seconds: float, report: Callable[[str, float], Any]) -> None:
        """Replaces all replicas of a kind, one after the other; reports (name, seconds) of each. Raises ProcessError."""
        for name in self.replicas(kind):
            report(name, self.replace(name, heed_seconds))

    # --- how it differs from a stack ---------------------------------------------------------------------------------

    def _port_names(self) -> Sequence[str]:
        numbers = range(2, self._broker_count + 1)
        more = (name for number in numbers for name in (f"nats-{number}", f"nats-{number}_monitor"))
        return (*PORTS, *more, *(f"route-{number}" for number in range(1, self._broker_count + 1)))

    def _make_brokers(self, ports: Mapping[str, int]) -> Sequence[Nats]:
        if self._broker_count == 1:
            return super()._make_brokers(ports)
        numbers = range(1, self._broker_count + 1)
        routes = [ports[f"route-{number}"] for number in numbers]
        first = Nats(self.data, ports["nats"], ports["nats_monitor"], routes=routes)
        others = (
            Nats(self.data, ports[f"nats-{n}"], ports[f"nats-{n}_monitor"], routes=routes, number=n)
            for n in numbers[1:]
        )
        return [first, *others]

    def _make_settings(self, ports: Mapping[str, int]) -> Settings:
        settings = super()._make_settings(ports)
        return dataclasses.replace(settings, nats_replicas=self._broker_count, names_port=self.names.port)

    def _add_services(self) -> None:
        for kind in KINDS:
            for name in self.replicas(kind):
                self._processes[name] = self._make(name)
                self._enter(name)

    def _make(self, name: str) -> Process:
        kind = name.rstrip("-0123456789")
        self._hosts_given[kind] += 1
        host = self._hosts[name] = f"127.0.0.{self._hosts_given[kind]}"
        context, _, command = kind.rpartition("-")
        process = self._service(context, command, host) if context else self._gateway(host)
        process.name, process.log = name, self._log(name)
        # Of a stack nobody waits for who sends mails; here the old one goes when the new one is there.
        if context and process.ready is None:
            process.ready = serves_grpc(self.settings.health_target(context, command, host))
        return process

    def _enter(self, name: str) -> None:
        if called := _called(name):
            self.names.add(called, self._hosts[name])

    def _leave(self, name: str, host: str) -> None:
        if called := _called(name):
            self.names.remove(called, host)


def _called(process: str) -> str:
    """The name by which others call the process; nobody calls a worker."""
    context, _, command = process.rstrip("-0123456789").rpartition("-")
    return {"serve": host_name(context), "gateway": GATEWAY}.get(command, "")
