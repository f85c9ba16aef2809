"""Google, Facebook, and whatever else the operators have set up (A3)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import structlog

from services.common.config import Environment
from services.common.errors import InvalidInput, NotFound, Unavailable
from services.identity_merge.clients.social.settings import read_providers
from services.identity_merge.domain.social import Away, NotVouched, Provider, Vouched

if TYPE_CHECKING:
    from services.identity_merge.clients.social.protocol import CodeFlow

log = structlog.get_logger()
# A person waits for the provider's page, and then for ours.
BEGIN_SECONDS = 4.0
FINISH_SECONDS = 8.0
_LONGEST_CODE = 4_096


class SocialProviders:
    """The providers of this installation."""

    def __init__(self, providers: Sequence[Provider] = (), public_url: str = "", *, loopback: bool = False) -> None:
        """`public_url`: where this installation's pages lie, and browsers may be sent back to."""
        self._providers = {provider.provider_id: provider for provider in providers}
        self._public_url = public_url.rstrip("/")
        self._loopback = loopback
        self._flows: dict[str, CodeFlow] = {}

    @classmethod
    def read(cls, environment: Environment) -> SocialProviders:
        """From the environment. Raises ConfigError."""
        providers, loopback = read_providers(environment)
        return cls(providers, environment.text("PUBLIC_URL") if providers else "", loopback=loopback)

    @property
    def offered(self) -> list[Provider]:
        """In the order in which they are offered."""
        return list(self._providers.values())

    def find(self, provider_id: str) -> Provider:
        """Raises NotFound (login_provider_not_found)."""
        if provider_id not in self._providers:
            raise NotFound("login_provider_not_found")
        return self._providers[provider_id]

    def check_return(self, redirect_uri: str) -> None:
        """Whether a browser may be sent back there. Raises InvalidInput (unknown_value)."""
        path = unquote(urlsplit(redirect_uri).path)
        ours = redirect_uri.startswith(f"{self._public_url}/") and redirect_uri.isprintable()
        if not ours or "\\" in path or ".." in path.split("/") or "#" in redirect_uri or len(redirect_uri) > 500:
            raise InvalidInput.of("redirect_uri", "unknown_value")

    async def authorization_url(
        self, provider: Provider, redirect_uri: str, state: str, nonce: str, verifier: str
    ) -> str:
        """Where to send the browser. Raises Unavailable (login_provider_away)."""
        try:
            async with asyncio.timeout(BEGIN_SECONDS):
                flow = await self._flow(provider)
                return await flow.authorization_url(redirect_uri, state, nonce, verifier, BEGIN_SECONDS)
        except (Away, TimeoutError) as error:
            raise _away(provider, error) from error

    async def identify(
        self, provider: Provider, code: str, issuer: str, redirect_uri: str, nonce: str, verifier: str
    ) -> Vouched:
        """Who has come back with this code. Raises NotVouched, Unavailable (login_provider_away)."""
        if not 0 < len(code) <= _LONGEST_CODE:
            raise NotVouched("no_code")
        try:
            async with asyncio.timeout(FINISH_SECONDS):
                flow = await self._flow(provider)
                return await flow.identify(code, issuer, redirect_uri, nonce, verifier, FINISH_SECONDS)
        except (Away, TimeoutError) as error:
            raise _away(provider, error) from error

    async def _flow(self, provider: Provider) -> CodeFlow:
        if provider.provider_id not in self._flows:
            # Imported when it is needed: the protocol with all that it needs would cost processes memory that never send anybody
            # anywhere. In a thread, for it takes long enough to hold up other calls.
            protocol = await asyncio.to_thread(import_module, "services.identity_merge.clients.social.protocol")
            self._flows.setdefault(provider.provider_id, protocol.CodeFlow(provider, loopback=self._loopback))
        return self._flows[provider.provider_id]


def _away(provider: Provider, error: Exception) -> Unavailable:
    log.warning("provider_away", provider=provider.provider_id, cause=str(error) or type(error).__name__)
    return Unavailable("login_provider_away")


__all__ = ["SocialProviders"]
