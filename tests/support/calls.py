"""What a test needs to call commands as a service's API layer would."""

from __future__ import annotations

from services.common.idempotency import Once, fingerprint
from services.common.ids import new_id
from services.common.tokens import ServiceClaims


def claims(store_id: str = "", *, actor: str = "staff:test", role: str = "owner") -> ServiceClaims:
    """A caller of a Hong Kong store; a new store unless one is named."""
    return ServiceClaims(actor=actor, role=role, store_id=store_id or str(new_id()))


def once(caller: ServiceClaims, key: str = "", body: bytes = b"") -> Once[object]:
    """An idempotency key of its own, unless one is named. The recorded answer is the text of the result."""
    return Once(caller.store, key or str(new_id()), fingerprint("test", body), lambda result: repr(result).encode())
