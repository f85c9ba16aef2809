"""Customers' login methods: identifiers that wait for, or have, their owner's proof."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID


class LoginState(IntEnum):
    """A retired method is kept as a digest only, so that its identifier never comes back (F6, T)."""

    UNCONFIRMED = 1
    CONFIRMED = 2
    RETIRED = 3


@dataclass(frozen=True, slots=True)
class LoginMethod:
    """A way for a customer to log in. `kind` is phone or email; `confirmed_at` is None until proved."""

    login_method_id: UUID
    customer_id: UUID
    kind: str
    value: str
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerSession:
    """A session of a customer, begun by a login method."""

    login_method: LoginMethod
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewLogin:
    """A login method to be made of an identifier that a new member gave."""

    login_method_id: UUID
    customer_id: UUID
    kind: str
    digest: bytes
    value: str
