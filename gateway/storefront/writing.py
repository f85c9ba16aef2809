"""How things are written for a store's customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from flask_babel import get_locale
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import formats
from onefold.identity_merge.v1.service_pb2 import Store


@dataclass(frozen=True, slots=True)
class Writing:
    """In the store's time zone, region and currency, and the reader's language."""

    store: Store

    @property
    def _locale(self) -> str:
        return str(get_locale() or "en")

    def moment(self, stamp: Timestamp) -> str:
        """Day and time."""
        return formats.moment_text(stamp, formats.zone_of(self.store.timezone), self._locale)

    def last_day(self, stamp: Timestamp) -> str:
        """The last day before a moment."""
        return formats.day_text(formats.last_day(stamp, formats.zone_of(self.store.timezone)), self._locale)

    def day(self, iso: str) -> str:
        """An ISO date; empty stays empty."""
        return formats.day_text(date.fromisoformat(iso), self._locale) if iso else ""

    def phone(self, e164: str) -> str:
        """A phone as people of the store write it."""
        return formats.phone(e164, self.store.region)

    def money(self, minor: int) -> str:
        """An amount in the store's currency."""
        return formats.money(minor, self.store.currency)

    def today(self) -> str:
        """The store's day, as an ISO date."""
        return datetime.now(formats.zone_of(self.store.timezone)).date().isoformat()
