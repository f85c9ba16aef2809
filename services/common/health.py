"""How a process that serves nothing else says that it works, by the gRPC health protocol."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc import aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc


@asynccontextmanager
async def serving(listen: str) -> AsyncIterator[None]:
    """Answers health checks at the address: SERVING within the block. Raises RuntimeError when the address is taken."""
    server, servicer = aio.server(options=[("grpc.so_reuseport", 0)]), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(listen)
    await server.start()
    await servicer.set("", health_pb2.HealthCheckResponse.SERVING)
    try:
        yield
    finally:
        await servicer.enter_graceful_shutdown()
        await server.stop(grace=None)
