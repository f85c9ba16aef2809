"""What an SMS provider tells of an SMS that it has taken: late, twice, in any order."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from services.notification.domain.causes import Cause, of_twilio
from services.notification.domain.messages import Message, State


class Word(StrEnum):
    """Twilio's words, as far as they matter."""

    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class SmsStatus:
    """`word` as the provider has it, `code` its error code, `provider_id` its name for the SMS."""

    word: str
    code: int
    provider_id: str

    def after(self, message: Message) -> tuple[State, Cause] | None:
        """What the message becomes by it; None where it says nothing new.

        Whatever the provider says, it has the SMS: so one of unknown fate is known again. What the phone has is never taken back.
        """
        taken = message.state in (State.SENDING, State.UNKNOWN)
        if message.delivered_at or not (taken or message.state in (State.SENT, State.FAILED)):
            return None
        if self.word == Word.DELIVERED:
            return State.SENT, Cause.NONE
        if self.word in (Word.UNDELIVERED, Word.FAILED):
            return (State.FAILED, of_twilio(self.code)) if message.state is not State.FAILED else None
        return (State.SENT, Cause.NONE) if taken else None
