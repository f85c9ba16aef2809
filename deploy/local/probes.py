"""Ways to tell that a process is ready."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.ports import LOOPBACK, answers
from services.common.health import LIVENESS

Probe = Callable[[], bool]


def listens(*ports: int) -> Probe:
    """All the ports of the loopback interface are open."""
    return lambda: all(answers(port) for port in ports)


def serves_grpc(target: str) -> Probe:
    """The standard health service says that the process lives, ready or not; a new connection each time, so nothing lingers over a kill."""

    def probe() -> bool:
        with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(
                    health_pb2.HealthCheckRequest(service=LIVENESS), timeout=1
                )
            except grpc.RpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    # The port is asked first: a gRPC channel that was refused once waits a second before it tries again.
    host, _, port = target.rpartition(":")
    return lambda: answers(int(port), host) and probe()


def answers_http(url: str) -> Probe:
    """A GET is answered with anything but a server error."""

    def probe() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status < 500)
        except urllib.error.HTTPError as error:
            with error:
                return error.code < 500
        except (urllib.error.URLError, OSError):
            return False

    parts = urlsplit(url)
    return lambda: answers(parts.port or 80, parts.hostname or LOOPBACK) and probe()
