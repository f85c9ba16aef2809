"""What the SMS provider tells afterwards: signed, late, twice, in any order (G2, E)."""

from __future__ import annotations

import base64
import hmac
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlencode

import pytest
from sqlalchemy import Row, text

from deploy.local.state import DatabaseUrls
from services.common.database import Database, connect
from services.common.errors import InvalidInput
from services.common.ids import new_id
from services.common.outbox import Waker
from services.notification import store
from services.notification.clients import Twilio
from services.notification.commands import Notices, status_url
from services.notification.domain import Channel, Intent, Kind

URL, TOKEN = "https://shop.example", "hush"
PROVIDER = Twilio.parse(f"twilio://AC1:{TOKEN}@api.twilio.com?from=+85250000000", 10)


class Sms:
    """One SMS, and who tells of it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.notices = Notices(database, Waker(database), PROVIDER, URL)
        self.store_id = new_id()

    async def write(self, state: str, attempts: int = 1) -> None:
        async with self.database.transaction(self.store_id) as tx:
            await tx.execute(text("DELETE FROM message_changes"))
            await tx.execute(text("DELETE FROM messages"))
            intent = Intent(new_id(), Kind.ACCOUNT_NOTICE, "+85294512053", "", {}, None, new_id(), Channel.SMS)
            await store.insert_intents(tx, self.store_id, [intent])
            lease = "now() + interval '1 minute'" if state == "sending" else "NULL"
            await tx.execute(
                text(f"UPDATE messages SET state = :state, attempts = :attempts, lease_until = {lease}"),
                {"state": state, "attempts": attempts},
            )

    async def row(self) -> Row[tuple[object, ...]]:
        async with self.database.transaction(self.store_id) as tx:
            return (await tx.execute(text("SELECT * FROM messages"))).one()

    async def told(self, word: str, code: str = "", attempt: int = 1, token: str = TOKEN) -> str:
        """The message's state after a notice."""
        form = {"MessageSid": "SM1", "MessageStatus": word} | ({"ErrorCode": code} if code else {})
        message_id = (await self.row()).message_id
        url = status_url(URL, self.store_id, message_id, attempt)
        signed = (url + "".join(name + form[name] for name in sorted(form))).encode()
        signature = base64.b64encode(hmac.digest(token.encode(), signed, "sha1")).decode()
        await self.notices.receive(self.store_id, message_id, attempt, urlencode(form).encode(), signature)
        row = await self.row()
        return f"{row.state} {row.cause}".strip() + (" delivered" if row.delivered_at else "")

    async def events(self) -> list[str]:
        async with self.database.transaction(self.store_id) as tx:
            return list((await tx.execute(text("SELECT type FROM outbox ORDER BY seq"))).scalars())


@pytest.fixture
async def sms(service_database: Callable[[str], DatabaseUrls]) -> AsyncIterator[Sms]:
    database = Database(connect(service_database("notification").worker, connections=2, name="test"))
    yield Sms(database)
    await database.close()


async def test_what_the_provider_tells_is_taken_in_any_order_and_once(sms: Sms) -> None:
    """Told while the sender still waits for its answer, it is that answer; what the phone has is never taken back."""
    await sms.write("sending")
    assert await sms.told("delivered") == "sent delivered"
    for late in ("sent", "undelivered", "delivered", "queued"):
        assert await sms.told(late, "30003") == "sent delivered"
    assert (await sms.row()).provider_id == "SM1"
    await sms.write("unknown")
    assert await sms.told("sent") == "sent"
    assert await sms.told("undelivered", "30003") == "failed unreachable"
    assert await sms.told("sent") == "failed unreachable"
    assert await sms.told("delivered") == "sent delivered"
    sent, failed = "notification.message_sent.v1", "notification.message_failed.v1"
    assert await sms.events() == [sent, sent, failed, sent]


async def test_nobody_but_the_provider_is_believed_and_only_about_the_attempt_that_counts(sms: Sms) -> None:
    await sms.write("sent", attempts=2)
    assert await sms.told("failed", "30006", attempt=1) == "sent"
    with pytest.raises(InvalidInput, match="signature_refused"):
        await sms.told("failed", "30006", attempt=2, token="another")
    assert await sms.told("failed", "30006", attempt=2) == "failed not_a_mobile"
    for state in ("queued", "cancelled"):
        await sms.write(state)
        assert await sms.told("delivered") == state
