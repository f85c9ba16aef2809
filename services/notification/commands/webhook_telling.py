"""A webhook that was disabled by itself: the store's owners hear of it by mail (H4)."""

from __future__ import annotations

from uuid import uuid5

import structlog

from services.common.database import Database
from services.common.errors import Unavailable
from services.notification import store
from services.notification.clients import Owner, Secrets
from services.notification.domain import Intent, Kind
from services.notification.store import Disabled

BATCH = 20
log = structlog.get_logger()


async def tell_owners(database: Database, secrets: Secrets) -> None:
    """Writes the mails about webhooks whose end nobody knows of yet; asks identity_merge who the owners are."""
    async with database.across_stores() as tx:
        found = await store.to_tell(tx, BATCH)
    for disabled in found:
        try:
            owners = await secrets.owners(disabled.store_id)
        except Unavailable as error:
            log.warning("owners_not_told", webhook_id=str(disabled.webhook_id), error=str(error))
            return
        async with database.transaction(disabled.store_id) as tx:
            await store.insert_intents(tx, disabled.store_id, [_mail(disabled, owner) for owner in owners])
            await store.mark_told(tx, disabled)


def _mail(disabled: Disabled, owner: Owner) -> Intent:
    """One for each owner and each time that the webhook was disabled, however often this is tried."""
    which = uuid5(disabled.webhook_id, f"{disabled.disabled_at.isoformat()} {owner.staff_id}")
    return Intent(
        event_id=which,
        kind=Kind.WEBHOOK_DISABLED,
        recipient=owner.email,
        language=disabled.language,
        params={
            "name": owner.name,
            # Without its query, in which the receiver may have a secret of its own.
            "url": disabled.url.partition("?")[0],
            "because": disabled.because,
            "webhook_id": str(disabled.webhook_id),
        },
    )
