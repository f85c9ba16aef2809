"""Signatures of notices in Stripe's scheme: "t=<seconds>,v1=<hex>", an HMAC-SHA256 over "<t>.<body>".

A header may hold several v1, one for each secret that is good at the sender, and there may be several secrets here: so secrets
are changed without a notice lost.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta

# How far the sender's clock may be from ours; older ones could be somebody else's copies.
TOLERANCE = timedelta(minutes=5)
_LONGEST_HEADER = 2_000
_SCHEME = "v1"


def sign(body: bytes, secret: str, at: datetime) -> str:
    """The header for a body, as the sender writes it."""
    stamp = int(at.timestamp())
    return f"t={stamp},{_SCHEME}={_digest(stamp, body, secret)}"


def is_signed(body: bytes, header: str, secrets: Sequence[str], now: datetime) -> bool:
    """Whether one of the header's signatures was made with one of the secrets, not longer than TOLERANCE from now."""
    stamp, signatures = _read(header)
    if stamp is None or abs(now.timestamp() - stamp) > TOLERANCE.total_seconds():
        return False
    wanted = [_digest(stamp, body, secret) for secret in secrets if secret]
    # All are compared, each in constant time: how long it takes tells nothing of which one was near.
    return sum(hmac.compare_digest(good, found) for good in wanted for found in signatures) > 0


def _read(header: str) -> tuple[int | None, list[str]]:
    stamps, signatures = list[str](), list[str]()
    if len(header) > _LONGEST_HEADER or not header.isascii():
        return None, []
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name == "t":
            stamps.append(value)
        elif name == _SCHEME:
            signatures.append(value)
    good = len(stamps) == 1 and stamps[0].isdecimal() and len(stamps[0]) < 13
    return (int(stamps[0]) if good else None), signatures


def _digest(stamp: int, body: bytes, secret: str) -> str:
    return hmac.digest(secret.encode(), b"%d." % stamp + body, "sha256").hex()
