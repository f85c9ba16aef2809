"""What a sender needs of a server that takes messages, whatever it speaks: mail servers and providers of SMS are lanes alike.

What matters is what is certain. Away and Refused say that the server has not taken the message; Undecided that it may have.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from services.notification.domain import Cause

Letter = TypeVar("Letter", contravariant=True)


class Away(Exception):
    """The server cannot be used now, or not with our account: no fault of the message, which it has not taken.

    `seconds` is how long it asks to be left alone; 0 when it does not say.
    """

    def __init__(self, text: str, seconds: float = 0.0) -> None:
        super().__init__(text)
        self.seconds = seconds


class Refused(Exception):
    """The server answered no to this message, for good or for now. The text is the server's and may name the recipient."""

    def __init__(self, text: str, cause: Cause, *, permanent: bool) -> None:
        super().__init__(text)
        self.cause = cause
        self.permanent = permanent


class Undecided(Exception):
    """The content went out, and no answer came back that says whether the server has it."""


class Lane(Protocol[Letter]):
    """Carries one message at a time: `open`, then `transmit` or `reset`."""

    async def open(self, letter: Letter) -> None:
        """As far as one can go without the server having the message. Raises Away, Refused."""

    async def transmit(self, letter: Letter) -> str:
        """Returns once the server has taken the message, with the server's name for it. Raises Away, Refused, Undecided."""

    async def reset(self) -> None:
        """Forgets a message that was opened and will not be transmitted."""

    async def close(self) -> None:
        """Ends what is held open; the next message opens it again."""
