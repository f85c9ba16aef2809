"""Money: whole minor units and an ISO 4217 currency (architecture, rule 11)."""

from __future__ import annotations

from services.common.errors import InvalidInput

# Currencies that a store may keep its books in, with the number of digits after the point.
MINOR_DIGITS = {"HKD": 2, "TWD": 2, "MOP": 2, "USD": 2, "CNY": 2, "JPY": 0, "SGD": 2}
# Far above any real order and far below 2^63, so that sums of a store's lifetime cannot overflow.
LARGEST_AMOUNT = 100_000_000_000


def check_currency(code: str, own: str, field: str) -> str:
    """The code, if it is the store's own. Raises InvalidInput (required, unknown_currency, currency_not_of_store)."""
    if not code:
        raise InvalidInput.of(field, "required")
    if code not in MINOR_DIGITS:
        raise InvalidInput.of(field, "unknown_currency", currency=code[:8], known=", ".join(MINOR_DIGITS))
    if code != own:
        raise InvalidInput.of(field, "currency_not_of_store", currency=own)
    return code


def check_amount(minor: int, field: str) -> int:
    """The amount in minor units, if in 0 … LARGEST_AMOUNT. Raises InvalidInput (negative_amount, amount_too_large)."""
    if minor < 0:
        raise InvalidInput.of(field, "negative_amount")
    if minor > LARGEST_AMOUNT:
        raise InvalidInput.of(field, "amount_too_large")
    return minor
