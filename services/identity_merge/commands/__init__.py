"""Writes of identity_merge: one use case, one function, one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.common.database import Database
from services.common.identifiers import IdentifierHasher
from services.common.outbox import Waker
from services.common.sealing import Sealer
from services.identity_merge.clients import Membership, Orders
from services.identity_merge.clients.social import SocialProviders
from services.identity_merge.commands.passwords import Passwords
from services.identity_merge.domain.codes import SMS_REGIONS


@dataclass(frozen=True, slots=True)
class Context:
    """What the commands need of the process."""

    database: Database
    waker: Waker
    identifiers: IdentifierHasher
    passwords: Passwords
    membership: Membership
    orders: Orders
    sealer: Sealer
    # Besides the store's own region: where text messages are sent to (ISO 3166).
    sms_regions: frozenset[str] = SMS_REGIONS
    social: SocialProviders = field(default_factory=SocialProviders)

    async def close(self) -> None:
        """Closes connections and channels."""
        await self.membership.close()
        await self.orders.close()
        await self.database.close()
