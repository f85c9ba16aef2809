"""The environment of each process of a stack."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.ports import LOOPBACK
from deploy.local.social import app as social
from deploy.local.state import CONTEXTS, DatabaseUrls, DataFolder

_RATES = ("ONEFOLD_RATE_KEY", "ONEFOLD_RATE_SESSION", "ONEFOLD_RATE_ADDRESS")
# Processes that tell metrics, as Stack.process names them.
WATCHED = ("gateway", *(f"{context}-{command}" for context in CONTEXTS for command in ("serve", "work")))
PORTS = (
    "gateway",
    "mail_web",
    "smtp",
    "payments",
    "social",
    "postgres",
    "nats",
    "nats_monitor",
    *CONTEXTS,
    *(f"{context}-work" for context in CONTEXTS),
    *(f"{name}-metrics" for name in WATCHED),
)


def host_name(context: str) -> str:
    """What a context's replicas are called together; an underscore may not stand in the name of a host."""
    return f"{context.replace('_', '-')}.onefold.test"


@dataclass(frozen=True, slots=True)
class Settings:
    """Addresses and secrets from which every process's variables are made."""

    data: DataFolder
    ports: Mapping[str, int]
    databases: Mapping[str, DatabaseUrls]
    nats_url: str
    # Copies of each stream.
    nats_replicas: int = 1
    # The port of the name server, where services are called by names (deploy/local/cluster.py).
    names_port: int = 0

    @property
    def gateway_url(self) -> str:
        """The gateway, as browsers on this machine reach it."""
        return f"http://{LOOPBACK}:{self.ports['gateway']}"

    @property
    def mail_url(self) -> str:
        """The mail catcher's page."""
        return f"http://{LOOPBACK}:{self.ports['mail_web']}"

    @property
    def smtp_url(self) -> str:
        """The mail catcher's SMTP side."""
        return f"smtp://{LOOPBACK}:{self.ports['smtp']}"

    @property
    def sms_url(self) -> str:
        """The same catcher's API for SMS, with an account that it makes up."""
        return f"twilio+http://AClocal:local@{LOOPBACK}:{self.ports['mail_web']}?from=+85250000000"

    @property
    def payments_url(self) -> str:
        """The test payment provider: its API and its pages."""
        return f"http://{LOOPBACK}:{self.ports['payments']}"

    @property
    def social_url(self) -> str:
        """The test provider that customers may log in by."""
        return f"http://{LOOPBACK}:{self.ports['social']}"

    @property
    def targets(self) -> dict[str, str]:
        """gRPC target of each context: an address, or a name that stands for all of its replicas."""
        if self.names_port:
            server = f"dns://{LOOPBACK}:{self.names_port}"
            return {context: f"{server}/{host_name(context)}:{self.ports[context]}" for context in CONTEXTS}
        return {context: f"{LOOPBACK}:{self.ports[context]}" for context in CONTEXTS}

    def health_target(self, context: str, command: str, host: str = LOOPBACK) -> str:
        """Where the process answers health checks: with its calls, or, when it answers none, at a port of its own."""
        name = f"{context}-work" if command == "work" else context
        return f"{host}:{self.ports[name]}"

    def metrics_listen(self, name: str, host: str = LOOPBACK) -> str:
        """Where the process of this name serves its metrics."""
        return f"{host}:{self.ports[f'{name}-metrics']}"

    @property
    def metrics_urls(self) -> dict[str, str]:
        """Metrics of each process, as Prometheus on this machine reaches them."""
        return {name: f"http://{self.metrics_listen(name)}/metrics" for name in WATCHED}

    @property
    def service_key(self) -> str:
        """Signs service tokens."""
        return self.data.secret("service_key")

    def _common(self) -> dict[str, str]:
        targets = {f"ONEFOLD_{context.upper()}_TARGET": target for context, target in self.targets.items()}
        return targets | {
            "ONEFOLD_SERVICE_KEY": self.service_key,
            "ONEFOLD_PUBLIC_URL": self.gateway_url,
            "ONEFOLD_LOG_LEVEL": os.environ.get("ONEFOLD_LOG_LEVEL", "info"),
            "ONEFOLD_LOG_FORMAT": os.environ.get("ONEFOLD_LOG_FORMAT", "json"),
        }

    def gateway(self, host: str = LOOPBACK) -> dict[str, str]:
        """Variables of the gateway."""
        # Loads and tests come from one machine, by one key; whoever wants to see the limits sets them.
        rates = {name: os.environ.get(name, "0") for name in _RATES}
        return (
            self._common()
            | rates
            | {
                "ONEFOLD_SECRET_KEY": self.data.secret("gateway_key"),
                "ONEFOLD_METRICS_LISTEN": self.metrics_listen("gateway", host),
            }
        )

    def service(self, context: str, command: str, host: str = LOOPBACK) -> dict[str, str]:
        """Variables of `python -m services.<context>.main <command>`."""
        urls = self.databases[context]
        database = {"serve": urls.app, "work": urls.worker, "migrate": urls.owner}[command]
        copies = {"ONEFOLD_NATS_REPLICAS": str(self.nats_replicas)} if self.nats_replicas > 1 else {}
        watched = f"{context}-{command}"
        metrics = {"ONEFOLD_METRICS_LISTEN": self.metrics_listen(watched, host)} if watched in WATCHED else {}
        return (
            self._common()
            | copies
            | metrics
            | {
                "ONEFOLD_DATABASE_URL": database,
                "ONEFOLD_NATS_URL": self.nats_url,
                "ONEFOLD_LISTEN": self.health_target(context, command, host),
                "ONEFOLD_IDENTIFIER_KEY": self.data.secret("identifier_key"),
                "ONEFOLD_SMTP_URL": self.smtp_url,
                "ONEFOLD_SMS_URL": self.sms_url,
                "ONEFOLD_SEALING_KEYS": f"local:{self.data.secret('sealing_key')}",
                "ONEFOLD_WEBHOOK_LOOPBACK": "1",
                "ONEFOLD_TEST_PAYMENTS_URL": self.payments_url,
                "ONEFOLD_SOCIAL_PROVIDERS": social.settings(self.social_url),
                "ONEFOLD_SOCIAL_LOOPBACK": "1",
                "ONEFOLD_MAIL_FROM": "Onefold <no-reply@onefold.example>",
            }
        )
