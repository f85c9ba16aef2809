"""Payments by a provider: the store's settings, a customer's way to pay, what the provider tells, money that goes back (E1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID, uuid5

from services.common.contact import clean_text
from services.common.errors import InvalidInput, StateConflict, Violations

# Below the day after which providers forget an idempotency key, so that a checkout is never begun twice under two keys.
CHECKOUT_LIFETIME = timedelta(hours=12)
# A checkout that ends in a moment is not handed out again.
CHECKOUT_MARGIN = timedelta(minutes=15)
# Senders sign with the old secret, too, for a day after a new one was made.
OLD_SECRET_LIFETIME = timedelta(days=1)
LONGEST_NAME = 60
LONGEST_SECRET = 500
LONGEST_NOTE = 500


class ProviderKind(IntEnum):
    """Numbers as in the contract's ProviderKind."""

    STRIPE = 1
    TEST = 2


class NoticeState(IntEnum):
    """Numbers as in the contract's NoticeState."""

    KEPT = 1
    APPLIED = 2
    NEEDS_LOOK = 3
    SETTLED = 4
    NOTHING_NEW = 5


class NoticeKind(IntEnum):
    """What a notice says, whatever a provider calls it."""

    OTHER = 0
    PAID = 1
    # The customer has paid in a way that takes days; the money may yet not come.
    PENDING = 2
    # The checkout is over without money.
    ENDED = 3
    REFUNDED = 4
    REFUND_FAILED = 5


class Settlement(IntEnum):
    """Numbers as in the contract's Settlement."""

    NOTED = 1
    GIVEN_BACK = 2


class CheckoutState(IntEnum):
    """How far a customer has come at the provider's."""

    OPEN = 1
    PENDING = 2
    OVER = 3


class RefundState(IntEnum):
    """Numbers as in the contract's RefundState; BY_HAND is its zero."""

    BY_HAND = 0
    PENDING = 1
    DONE = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Secrets:
    """A provider's secrets, opened. They are never written anywhere but sealed."""

    api_key: str = field(repr=False)
    webhook: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class ProviderWish:
    """A provider as somebody wants it; an empty secret leaves what is kept."""

    kind: int
    name: str
    active: bool
    api_key: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)

    def clean(self) -> ProviderWish:
        """With trimmed texts. Raises InvalidInput with every fault."""
        found = Violations()
        if self.kind not in set(ProviderKind):
            found.add("kind", "unknown_value")
        name = found.gather(lambda: clean_text(self.name, "name", LONGEST_NAME), "")
        if not name:
            found.add("name", "required")
        secrets = {}
        for field_ in ("api_key", "webhook_secret"):
            secrets[field_] = getattr(self, field_).strip()
            if len(secrets[field_]) > LONGEST_SECRET:
                found.add(field_, "too_long", longest=str(LONGEST_SECRET))
            elif not (secrets[field_].isascii() and secrets[field_].isprintable()) or " " in secrets[field_]:
                found.add(field_, "invalid_secret")
        found.check()
        return ProviderWish(self.kind, name, self.active, **secrets)


@dataclass(slots=True)
class Provider:
    """A provider of a store. Secrets are sealed; the webhook secret before the newest is good until `old_secret_until`."""

    provider_id: UUID
    kind: ProviderKind
    name: str = ""
    active: bool = False
    api_key: bytes = field(default=b"", repr=False)
    webhook_secret: bytes = field(default=b"", repr=False)
    old_secret: bytes = field(default=b"", repr=False)
    old_secret_until: datetime | None = None
    changed_at: datetime | None = None
    notice_at: datetime | None = None

    @classmethod
    def blank(cls, store_id: UUID, kind: ProviderKind) -> Provider:
        """As it is before it is set up. Its id is known already, for it stands in the address that the provider must be told."""
        return cls(uuid5(store_id, f"payments-{kind.name.lower()}"), kind)

    def take(self, wish: ProviderWish, api_key: bytes, webhook_secret: bytes, now: datetime) -> None:
        """Changes to what is wished; secrets are sealed or empty. Raises InvalidInput (required) where one is missing."""
        if webhook_secret:
            self.old_secret, self.old_secret_until = self.webhook_secret, now + OLD_SECRET_LIFETIME
        self.api_key, self.webhook_secret = api_key or self.api_key, webhook_secret or self.webhook_secret
        self.name, self.active, self.changed_at = wish.name, wish.active, now
        found = Violations()
        for field_ in ("api_key", "webhook_secret") if wish.active else ():
            if not getattr(self, field_):
                found.add(field_, "required")
        found.check()


@dataclass(slots=True)
class Checkout:
    """A customer's way to pay one order. `checkout_id` is the idempotency key at the provider's, so asking again is safe."""

    checkout_id: UUID
    order_id: UUID
    provider_id: UUID
    amount: int
    return_address: str
    created_at: datetime
    state: CheckoutState = CheckoutState.OPEN
    # What the provider calls it, and its page; empty until it has answered.
    session: str = ""
    address: str = ""

    @property
    def expires_at(self) -> datetime:
        """When the provider ends it."""
        return self.created_at + CHECKOUT_LIFETIME

    def serves(self, amount: int, return_address: str, now: datetime) -> bool:
        """Whether it can be handed out for this amount; one without an answer only with the very same words."""
        same = self.amount == amount and (bool(self.address) or self.return_address == return_address)
        return self.state is CheckoutState.OPEN and same and now < self.expires_at - CHECKOUT_MARGIN


@dataclass(frozen=True, slots=True)
class Told:
    """What a notice says, in our words. Amounts are minor units; `order_id`, `refund_id` None where it names none of ours."""

    event_id: str
    type: str
    kind: NoticeKind
    order_id: UUID | None = None
    session: str = ""
    amount: int = 0
    currency: str = ""
    # What the provider calls the payment.
    reference: str = ""
    refund_id: UUID | None = None
    # What the provider calls the refund, and why it failed.
    refund_reference: str = ""
    failure: str = ""


@dataclass(slots=True)
class Notice:
    """A notice as it is kept."""

    notice_id: UUID
    provider_id: UUID
    told: Told
    received_at: datetime
    state: NoticeState = NoticeState.KEPT
    reason: str = ""
    settled_at: datetime | None = None
    settled_by: str = ""
    note: str = ""
    # For people: the order's number and the provider's name.
    order_number: int = 0
    provider_name: str = ""

    @property
    def can_give_back(self) -> bool:
        """Whether it tells of money that came and belongs to no order."""
        paid = self.told.kind is NoticeKind.PAID and self.told.amount > 0 and bool(self.told.reference)
        return self.state is NoticeState.NEEDS_LOOK and paid

    def settle(self, settlement: int, note: str, *, actor: str, now: datetime) -> None:
        """A person has looked. Raises InvalidInput, StateConflict (notice_settled, nothing_to_give_back)."""
        if settlement not in set(Settlement):
            raise InvalidInput.of("settlement", "unknown_value")
        note = clean_text(note, "note", LONGEST_NOTE)
        if not note:
            raise InvalidInput.of("note", "required")
        if self.state is not NoticeState.NEEDS_LOOK:
            raise StateConflict("notice_settled")
        if settlement == Settlement.GIVEN_BACK and not self.can_give_back:
            raise StateConflict("nothing_to_give_back")
        self.state, self.note, self.settled_by, self.settled_at = NoticeState.SETTLED, note, actor, now


@dataclass(frozen=True, slots=True)
class GivingBack:
    """Money that a provider is to give back: of an order's refund, or of a payment that belongs to no order."""

    store_id: UUID
    refund_id: UUID
    provider_id: UUID
    # What the provider calls the payment.
    payment: str
    amount: int
    # How often it was asked, this time included; and how often a person has had it begun anew.
    tries: int
    round: int
