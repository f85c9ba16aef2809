"""What the owner of an account hears when something about its safety has changed."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.common.identifiers import EMAIL, PHONE
from services.common.outbox import Event
from services.identity_merge import events
from services.identity_merge.store import logins

# Whoever has more addresses reads one of these.
MOST_TOLD = 5


async def notices(
    tx: AsyncConnection, store_id: UUID, customer_id: UUID, what: str, detail: str = "", but: Collection[UUID] = ()
) -> list[Event]:
    """One for each proved address of the account; for its phones only where it has no address, for text messages cost money.

    `but` are login methods that need no telling: what is new is in the hands of whoever has just proved it.
    """
    proved = [method for method in await logins.list_of(tx, store_id, [customer_id]) if method.confirmed_at]
    told = [method for method in proved if method.login_method_id not in but]
    mails = [method for method in told if method.kind == EMAIL]
    phones = [method for method in told if method.kind == PHONE]
    return [events.account_notice(method, what, detail) for method in (mails or phones)[:MOST_TOLD]]
