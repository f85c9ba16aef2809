"""The gateway's settings, read once at start."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.config import Environment


@dataclass(frozen=True, slots=True)
class Targets:
    """host:port of the services' gRPC."""

    membership: str
    orders: str
    identity_merge: str
    notification: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a minute that one process takes: of one API key, one session, one network address. 0: as many as come."""

    key: int = 6_000
    session: int = 1_200
    address: int = 300


_USUAL = Rates()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between places where the gateway runs."""

    service_key: str
    secret_key: str
    public_url: str
    targets: Targets
    # Proxies of our own in front, each of which adds the address that it was called from to X-Forwarded-For.
    proxies: int = 0
    rates: Rates = _USUAL

    @classmethod
    def read(cls, environment: Environment) -> Settings:
        """From ONEFOLD_… variables. Raises ConfigError naming the variable."""
        return cls(
            service_key=environment.secrets("SERVICE_KEY"),
            secret_key=environment.secret("SECRET_KEY"),
            public_url=environment.text("PUBLIC_URL").rstrip("/"),
            targets=Targets(
                membership=environment.text("MEMBERSHIP_TARGET"),
                orders=environment.text("ORDERS_TARGET"),
                identity_merge=environment.text("IDENTITY_MERGE_TARGET"),
                notification=environment.text("NOTIFICATION_TARGET"),
            ),
            proxies=environment.number("PROXIES", 0),
            rates=Rates(
                key=environment.number("RATE_KEY", _USUAL.key),
                session=environment.number("RATE_SESSION", _USUAL.session),
                address=environment.number("RATE_ADDRESS", _USUAL.address),
            ),
        )

    @property
    def secure(self) -> bool:
        """True when customers and staff reach the gateway by https, so cookies may insist on it."""
        return self.public_url.startswith("https://")
