"""Passwords of customers: what somebody types, and how often they may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from services.common.contact import comparable_email, parse_email, parse_mobile
from services.common.errors import InvalidInput
from services.common.identifiers import EMAIL, PHONE
from services.identity_merge.domain.codes import Limit

_WINDOW = timedelta(minutes=15)
# As for staff; and a network may not try one password on everybody. A mobile network's address is many people's.
LOG_IN_LIMITS = (Limit("identifier", 10, _WINDOW), Limit("source", 100, _WINDOW))
# Of an account whose session somebody has, who guesses the current password.
CHANGE_LIMITS = (Limit("account", 5, _WINDOW),)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody typed; `source` is their network address."""

    email: str
    phone: str
    password: str = field(repr=False)
    source: str

    def identifier(self, region: str) -> tuple[str, str]:
        """(kind, value) in comparable form; what is no identifier is nobody's, and counted as it stands."""
        try:
            if self.phone.strip() and not self.email.strip():
                return PHONE, parse_mobile(self.phone, region)
            return EMAIL, comparable_email(parse_email(self.email))
        except InvalidInput:
            return "", (self.email or self.phone)[:320]


def within(limits: Sequence[Limit], counts: Mapping[str, int]) -> bool:
    """Whether no limit is passed; `counts` has the attempt counted."""
    return all(counts[limit.of] <= limit.most for limit in limits)
