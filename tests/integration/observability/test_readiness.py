"""Ready is who can do its own work; that others are away makes nobody unready, and nothing makes anybody dead (E6, H6)."""

from __future__ import annotations

import grpc
import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.common.health import LIVENESS
from tests.faults.client import until
from tests.integration.observability.conftest import Observed

pytestmark = pytest.mark.fault
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
SECONDS = 30


def says(observed: Observed, context: str, command: str, name: str = "") -> int:
    """What the process answers to a health check."""
    target = observed.system.stack.settings.health_target(context, command)
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        request = health_pb2.HealthCheckRequest(service=name)
        return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)


def test_a_process_is_ready_while_its_database_and_broker_answer_and_alive_throughout(observed: Observed) -> None:
    """Fault 3, 20: the database away, then the broker, then another service."""
    system = observed.system
    parts = [(context, command) for context in ("orders", "identity_merge") for command in ("serve", "work")]

    def all_say(status: int) -> bool:
        return all(says(observed, *part) == status for part in parts)

    until(lambda: all_say(SERVING), SECONDS, "all are ready")
    with system.without("postgres"):
        until(lambda: all_say(NOT_SERVING), SECONDS, "nobody is ready without a database")
        assert {says(observed, *part, LIVENESS) for part in parts} == {SERVING}
        gateway = system.stack.settings.gateway_url
        assert httpx.get(f"{gateway}/readyz", trust_env=False).json()["services"]["orders"] is False
        assert httpx.get(f"{gateway}/healthz", trust_env=False).status_code == 200
    until(lambda: all_say(SERVING), SECONDS, "all are ready again")
    with system.without("nats"):
        until(lambda: says(observed, "orders", "work") == NOT_SERVING, SECONDS, "no worker is ready without a broker")
        assert says(observed, "orders", "serve") == SERVING
    with system.without("membership-serve", "identity_merge-serve"):
        until(lambda: says(observed, "orders", "work") == SERVING, SECONDS, "the broker is back")
        assert says(observed, "orders", "serve") == SERVING
        assert httpx.get(f"{gateway}/readyz", trust_env=False).status_code == 200
