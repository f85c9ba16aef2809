"""What whoever calls a service has to know of the way there. The gateway does so without what answers such a call, which brings a whole
database layer along.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from google.protobuf.descriptor import Descriptor

LONGEST_KEY = 200  # of an idempotency key, in characters


def address_of(target: str) -> str:
    """What gRPC dials for a `host:port`, all addresses of the host; a target that names its resolver stays as it is."""
    return target if "://" in target else f"dns:///{target}"


CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    # Services are in the cluster: a proxy that the environment names is for the world outside.
    ("grpc.enable_http_proxy", 0),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # gRPC lets the channels of a process share connections to an address, and with them the wait after a refused one: a new channel would
    # fail for that long although a server listens there by now.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # Unasked, a name is asked for again after half a minute at the soonest: time for a rolling restart to replace every process behind
    # it, and callers would know none of the new ones.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    (
        "grpc.service_config",
        orjson.dumps(
            {
                "loadBalancingConfig": [{"round_robin": {}}],
                "methodConfig": [
                    {
                        "name": [{}],
                        "retryPolicy": {
                            "maxAttempts": 3,
                            "initialBackoff": "0.05s",
                            "maxBackoff": "0.5s",
                            "backoffMultiplier": 3,
                            "retryableStatusCodes": ["UNAVAILABLE"],
                        },
                    }
                ],
            }
        ).decode(),
    ),
)


@lru_cache(maxsize=1_000)
def method_of(request: Descriptor) -> str:
    """The method that takes such a request, as onefold.orders.v1.OrderService/CreateOrder: each has a request of its own."""
    for service in request.file.services_by_name.values():
        for method in service.methods:
            if method.input_type.full_name == request.full_name:
                return f"{service.full_name}/{method.name}"
    return request.full_name
