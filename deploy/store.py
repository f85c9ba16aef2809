"""Opens a store with its owner, as the platform's operator: the one thing that no page does.

    python -m deploy.store --slug tea-house --name "Tea House" --owner-name "Ada Wong" --owner-email ada@tea.example

Prints the owner's first password. ONEFOLD_IDENTITY_MERGE_TARGET and ONEFOLD_SERVICE_KEY are those of the services.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import uuid

import grpc

from onefold.identity_merge.v1 import service_pb2, service_pb2_grpc
from services.common.config import ConfigError, Environment
from services.common.tokens import ServiceClaims, TokenSigner

_SECONDS = 10


def open_store(target: str, signer: TokenSigner, wish: service_pb2.CreateStoreRequest) -> None:
    """Raises grpc.RpcError."""
    metadata = (
        ("authorization", f"Bearer {signer.sign(ServiceClaims('operator', 'operator'))}"),
        ("idempotency-key", str(uuid.uuid4())),
    )
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        service_pb2_grpc.AccessServiceStub(channel).CreateStore(wish, timeout=_SECONDS, metadata=metadata)


def main() -> int:
    """Exit status: 0 opened, 1 refused or out of reach, 2 a variable is missing."""
    options = _options()
    password = secrets.token_urlsafe(12)
    store = service_pb2.Store(
        slug=options.slug,
        name=options.name,
        region=options.region,
        currency=options.currency,
        timezone=options.timezone,
        language=options.language,
    )
    wish = service_pb2.CreateStoreRequest(
        store=store, owner_name=options.owner_name, owner_email=options.owner_email, owner_password=password
    )
    environment = Environment()
    try:
        open_store(environment.text("IDENTITY_MERGE_TARGET"), TokenSigner(environment.secrets("SERVICE_KEY")), wish)
    except ConfigError as error:
        sys.stderr.write(f"store: {error}\n")
        return 2
    except grpc.RpcError as error:
        sys.stderr.write(f"store: {error.code().name}: {error.details()}\n")
        return 1
    print(f"store {options.slug}, e-mail {options.owner_email}, password {password}")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.store", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--slug", required=True, help="its short name, in addresses and at the log-in")
    parser.add_argument("--name", required=True)
    parser.add_argument("--owner-name", required=True)
    parser.add_argument("--owner-email", required=True)
    parser.add_argument("--region", default="HK", help="default: %(default)s")
    parser.add_argument("--currency", default="HKD", help="default: %(default)s")
    parser.add_argument("--timezone", default="Asia/Hong_Kong", help="default: %(default)s")
    parser.add_argument("--language", default="zh-Hant", choices=("zh-Hant", "en"), help="default: %(default)s")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
