"""What every payment provider must be able to do, and which of them are offered here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from services.common.config import Environment
from services.common.errors import StateConflict
from services.common.sealing import SealBroken, Sealer
from services.orders.clients.http import Http
from services.orders.clients.returned import Returned
from services.orders.clients.stripe import StripeClient
from services.orders.domain import Checkout, GivingBack, Order, Provider, ProviderKind, Secrets, Told

log = structlog.get_logger()
# The addresses of providers are the operators' affair alone; a merchant who could name one could make us call anybody.
_ADDRESSES = {ProviderKind.STRIPE: "STRIPE_URL", ProviderKind.TEST: "TEST_PAYMENTS_URL"}


class PaymentClient(Protocol):
    """One kind of provider. Every call raises StateConflict (provider_refused), Unavailable (provider_unavailable)."""

    async def start(self, api_key: str, checkout: Checkout, order: Order) -> tuple[str, str]:
        """Begins a checkout or finds it by its id: (what the provider calls it, the address of its page)."""
        ...

    async def give_back(self, api_key: str, wish: GivingBack) -> Returned:
        """Gives money back, once, however often it is asked."""
        ...

    async def test(self, api_key: str) -> None:
        """Whether the provider takes the key."""
        ...

    def read_notice(self, body: bytes, signature: str, secrets: Sequence[str], now: datetime) -> Told:
        """What a notice says. Raises InvalidInput (signature_refused, malformed_notice)."""
        ...


class Providers:
    """The kinds of providers that this place offers, and the keys to stores' secrets."""

    def __init__(
        self, clients: Mapping[ProviderKind, PaymentClient] | None = None, sealer: Sealer | None = None
    ) -> None:
        """Offers nothing unless told otherwise."""
        self._clients = dict(clients or {})
        self._sealer = sealer

    @classmethod
    def read(cls, environment: Environment) -> Providers:
        """Those whose address is set. Raises ConfigError."""
        addresses = {kind: environment.text(name, "") for kind, name in _ADDRESSES.items()}
        clients = {kind: StripeClient(Http(address)) for kind, address in addresses.items() if address}
        return cls(clients, Sealer.read(environment))

    @property
    def kinds(self) -> Sequence[ProviderKind]:
        """What can be set up."""
        return list(self._clients)

    def client(self, kind: ProviderKind) -> PaymentClient:
        """Raises StateConflict (provider_not_set_up) for what is not offered here."""
        if kind not in self._clients:
            raise StateConflict("provider_not_set_up")
        return self._clients[kind]

    def seal(self, store_id: UUID, provider: Provider, name: str, value: str) -> bytes:
        """A secret for its row; an empty one stays empty."""
        if not value:
            return b""
        if self._sealer is None:
            raise StateConflict("provider_not_set_up")
        return self._sealer.seal(value, _context(store_id, provider, name))

    def secrets(self, store_id: UUID, provider: Provider, now: datetime) -> Secrets:
        """A provider's secrets, opened. Raises StateConflict (provider_not_set_up) where they cannot be."""
        old = provider.old_secret if provider.old_secret_until and now < provider.old_secret_until else b""
        sealed = {"api_key": provider.api_key, "webhook_secret": provider.webhook_secret}
        try:
            opened = {name: self._open(store_id, provider, name, value) for name, value in sealed.items()}
            former = self._open(store_id, provider, "webhook_secret", old)
        except SealBroken as error:
            log.error("secret_not_opened", provider_id=str(provider.provider_id), error=str(error))
            raise StateConflict("provider_not_set_up") from error
        return Secrets(opened["api_key"], tuple(filter(None, (opened["webhook_secret"], former))))

    def _open(self, store_id: UUID, provider: Provider, name: str, sealed: bytes) -> str:
        if not sealed or self._sealer is None:
            return ""
        return self._sealer.open(sealed, _context(store_id, provider, name))


def _context(store_id: UUID, provider: Provider, name: str) -> str:
    return f"payment_providers/{store_id}/{provider.provider_id}/{name}"
