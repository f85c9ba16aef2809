"""What a provider says about money that it is to give back."""

from __future__ import annotations

from dataclasses import dataclass

from services.orders.domain import RefundState


@dataclass(frozen=True, slots=True)
class Returned:
    """How far a provider is with giving money back; what it calls that; why it refuses."""

    state: RefundState
    reference: str = ""
    failure: str = ""
