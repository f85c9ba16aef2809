"""The console has words for every kind of message (G2, G3)."""

from __future__ import annotations

from gateway.console import labels
from services.notification.domain import Kind

# Nobody's account: they are on no member's timeline.
_TO_STAFF = {Kind.STAFF_INVITATION, Kind.STAFF_RESET, Kind.WEBHOOK_DISABLED}


def test_every_kind_of_message_has_words() -> None:
    assert set(labels.MESSAGE_KIND) == set(Kind)


def test_every_kind_that_goes_to_customers_has_words_on_their_timeline() -> None:
    told = {kind.removeprefix("message_") for kind in labels.EVENT if kind.startswith("message_")}
    assert told == set(Kind) - _TO_STAFF
