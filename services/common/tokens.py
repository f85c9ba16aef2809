"""Service tokens: who calls, for which store, signed by the caller's side (architecture, rule 6).

The token travels as `authorization: Bearer …` in gRPC metadata. It is short-lived and never leaves the cluster.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from itsdangerous import BadSignature, TimedSerializer

from services.common.config import split_keys
from services.common.errors import Unauthenticated

LIFETIME_SECONDS = 300
# So far apart the clocks of two machines may be. A millisecond is enough for a token that seems to come from the second to come.
SKEW_SECONDS = 60
_CACHE_LIMIT = 2_000
# Roles of callers who are no staff; those of staff are in `permissions`.
API_KEY, CUSTOMER, PUBLIC, SERVICE, OPERATOR = "api_key", "customer", "public", "service", "operator"
# Of whom a service must make sure that what they ask for is theirs.
OUTSIDERS = frozenset({CUSTOMER, PUBLIC})
_CUSTOMER = f"{CUSTOMER}:"
_ORDER = "order:"


@dataclass(frozen=True, slots=True)
class ServiceClaims:
    """What a service may believe of its caller. `store_id` is empty only for operators and public pages.

    `scopes` are an API key's, or what somebody who is not logged in was given in a signed link: see `with_order`.
    """

    actor: str
    role: str
    store_id: str = ""
    region: str = "HK"
    currency: str = "HKD"
    timezone: str = "Asia/Hong_Kong"
    language: str = "zh-Hant"
    scopes: tuple[str, ...] = field(default=())

    @property
    def store(self) -> UUID:
        """The caller's store. Raises Unauthenticated when the token names none."""
        if not self.store_id:
            raise Unauthenticated("credential_refused", "the service token names no store")
        return UUID(self.store_id)

    @property
    def customer_id(self) -> str:
        """The customer who is logged in; empty for everybody else."""
        return self.actor.removeprefix(_CUSTOMER) if self.role == CUSTOMER and self.actor.startswith(_CUSTOMER) else ""

    @property
    def is_outsider(self) -> bool:
        """True for customers and visitors, who may have what is theirs alone."""
        return self.role in OUTSIDERS

    def with_order(self, order_id: str) -> ServiceClaims:
        """The same for whoever has brought the signed link of an order."""
        return replace(self, scopes=(*self.scopes, _ORDER + order_id))

    def may_see_order(self, order_id: UUID, customer_id: UUID) -> bool:
        """Whether an order is open to the caller: outsiders see their own, and the one whose link they have."""
        if not self.is_outsider:
            return True
        return self.customer_id == str(customer_id) or f"{_ORDER}{order_id}" in self.scopes


def _not_valid() -> Unauthenticated:
    """`whose` tells our own processes that it is not whoever they act for that is refused."""
    return Unauthenticated("credential_refused", "the service token is not valid", whose="service")


class TokenSigner:
    """Signs service tokens with the shared service key (at least 32 characters), and verifies them.

    Of several keys with commas between, the first signs; all of them verify.
    """

    def __init__(self, key: str) -> None:
        self._serializer = TimedSerializer(
            split_keys(key)[::-1], salt="onefold-service", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._verified: dict[str, tuple[float, ServiceClaims]] = {}

    def sign(self, claims: ServiceClaims) -> str:
        """A token good for LIFETIME_SECONDS."""
        token = self._serializer.dumps(asdict(claims))
        return token if isinstance(token, str) else token.decode()

    def verify(self, token: str) -> ServiceClaims:
        """The claims of a valid token; raises Unauthenticated otherwise. Tokens are reused, so answers are remembered a minute."""
        known = self._verified.get(token)
        if known and known[0] > time.monotonic():
            return known[1]
        try:
            data, signed_at = self._serializer.loads(token, return_timestamp=True)
            claims = self._read(data)
        except (BadSignature, TypeError, KeyError) as error:
            raise _not_valid() from error
        # By the clock by which it was signed.
        if not -SKEW_SECONDS <= time.time() - signed_at.timestamp() <= LIFETIME_SECONDS:
            raise _not_valid()
        if len(self._verified) >= _CACHE_LIMIT:
            self._verified.clear()
        self._verified[token] = (time.monotonic() + 60, claims)
        return claims

    @staticmethod
    def _read(data: dict[str, Any]) -> ServiceClaims:
        return ServiceClaims(**{**data, "scopes": tuple(data["scopes"])})
