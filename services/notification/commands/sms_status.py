"""Notices of the SMS provider: what became of an SMS after it was taken (G2)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl
from uuid import UUID

from services.common import clock, outbox
from services.common.database import Database
from services.common.errors import InvalidInput
from services.common.outbox import Waker
from services.notification import events, store
from services.notification.clients import Twilio
from services.notification.domain import Cause, Change, SmsStatus, State, Word


@dataclass(frozen=True, slots=True)
class Notices:
    """`provider` is None where no SMS are sent; `public_url` is the gateway as the provider reaches it."""

    database: Database
    waker: Waker
    provider: Twilio | None
    public_url: str

    async def receive(self, store_id: UUID, message_id: UUID, attempt: int, body: bytes, signature: str) -> None:
        """Writes down what a notice says, if it is news. Raises InvalidInput (signature_refused, malformed_notice)."""
        status = self._read(status_url(self.public_url, store_id, message_id, attempt), body, signature)
        async with self.database.transaction(store_id) as tx:
            message = await store.load(tx, store_id, message_id, lock=True)
            # Of an attempt before the one that counts nothing is believed any more, nor of a message that nobody knows.
            after = status.after(message) if message and message.attempts == attempt else None
            if message is None or after is None:
                return
            state, cause = after
            error = f"{status.word} {status.code}" if cause is not Cause.NONE else ""
            delivered, change = status.word == Word.DELIVERED, Change(state, cause, error, "", clock.now())
            now = await store.note_status(tx, store_id, message, change, status.provider_id, delivered=delivered)
            # That it was sent is told once, that it failed after all is news.
            if state is not State.SENT or message.state is not State.SENT:
                await outbox.add(tx, store_id, events.settled(now))
        self.waker.wake()

    def _read(self, url: str, body: bytes, signature: str) -> SmsStatus:
        form = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        if self.provider is None or not self.provider.has_signed(url, form, signature):
            raise InvalidInput.of("signature", "signature_refused")
        told = dict(form)
        word, code = told.get("MessageStatus", ""), told.get("ErrorCode", "")
        if not word:
            raise InvalidInput.of("body", "malformed_notice")
        return SmsStatus(
            word[:20], int(code) if code.isdecimal() and len(code) < 7 else 0, told.get("MessageSid", "")[:64]
        )


def status_url(public_url: str, store_id: UUID, message_id: UUID, attempt: int) -> str:
    """Where the provider tells of one attempt to send one SMS."""
    return f"{public_url}/webhooks/sms/{store_id}/{message_id}/{attempt}"
