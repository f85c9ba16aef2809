"""Sets the test payment provider up for a store: an account there, its notices to our address, both secrets to the service."""

from __future__ import annotations

import base64
import json
import urllib.parse
import urllib.request
import uuid

import grpc

from deploy.local.state import RunningStack
from onefold.orders.v1 import payments_pb2 as pb
from onefold.orders.v1 import payments_pb2_grpc
from services.common.tokens import ServiceClaims, TokenSigner

_SECONDS = 10


def set_up(
    running: RunningStack, owner: ServiceClaims, *, name: str = "Test payments", webhook_secret: str = ""
) -> pb.Provider:
    """The store of `owner` takes payments by the test provider; what is set up already is left alone.

    With a webhook secret that one is set, and the provider's own notices are not asked for. Raises grpc.RpcError.
    """
    metadata = (
        ("authorization", f"Bearer {TokenSigner(running.service_key).sign(owner)}"),
        ("idempotency-key", str(uuid.uuid4())),
    )
    with grpc.insecure_channel(running.targets["orders"], options=[("grpc.enable_http_proxy", 0)]) as channel:
        service = payments_pb2_grpc.PaymentServiceStub(channel)
        known = service.GetProviders(pb.GetProvidersRequest(), timeout=_SECONDS, metadata=metadata).providers
        provider = next(each for each in known if each.kind == pb.PROVIDER_KIND_TEST)
        if provider.has_webhook_secret and not webhook_secret:
            return provider
        key = f"sk_test_{owner.store_id.replace('-', '')}"
        address = f"{running.gateway_url}/webhooks/payments/{provider.provider_id}"
        wish = pb.SetProviderRequest(
            kind=provider.kind,
            name=name,
            active=True,
            api_key=key,
            webhook_secret=webhook_secret or _endpoint(running.payments_url, key, address),
        )
        return service.SetProvider(wish, timeout=_SECONDS, metadata=metadata).provider


def _endpoint(provider_url: str, key: str, address: str) -> str:
    """Has notices brought to the address; the secret that signs them."""
    request = urllib.request.Request(
        f"{provider_url}/v1/webhook_endpoints",
        urllib.parse.urlencode({"url": address}).encode(),
        {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=_SECONDS) as answer:
        return str(json.loads(answer.read())["secret"])
