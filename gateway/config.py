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
class Settings:
    """Everything that differs between places where the gateway runs."""

    service_key: str
    secret_key: str
    public_url: str
    targets: Targets
    # Proxies of our own in front, each of which adds the address that it was called from to X-Forwarded-For.
    proxies: int = 0

    @classmethod
    def read(cls, environment: Environment) -> Settings:
        """From ONEFOLD_… variables. Raises ConfigError naming the variable."""
        return cls(
            service_key=environment.secret("SERVICE_KEY"),
            secret_key=environment.secret("SECRET_KEY"),
            public_url=environment.text("PUBLIC_URL").rstrip("/"),
            targets=Targets(
                membership=environment.text("MEMBERSHIP_TARGET"),
                orders=environment.text("ORDERS_TARGET"),
                identity_merge=environment.text("IDENTITY_MERGE_TARGET"),
                notification=environment.text("NOTIFICATION_TARGET"),
            ),
            proxies=environment.number("PROXIES", 0),
        )

    @property
    def secure(self) -> bool:
        """True when customers and staff reach the gateway by https, so cookies may insist on it."""
        return self.public_url.startswith("https://")
