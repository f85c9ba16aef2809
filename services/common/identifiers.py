"""Keyed digests of phones and e-mails: how an identifier is recognised where it may not be kept (architecture, rule 10).

Every context that knows identifiers uses the same key (ONEFOLD_IDENTIFIER_KEY), so a digest means the same everywhere.
A keyed digest and not a plain hash: phone numbers are so few that a plain hash of one is undone by trying them all.
"""

from __future__ import annotations

import hmac

from services.common.contact import comparable_email

PHONE = "phone"
EMAIL = "email"


class IdentifierHasher:
    """Makes digests with one key (at least 32 characters)."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def digest(self, kind: str, value: str) -> bytes:
        """HMAC-SHA-256 over "<kind>:<value>". `kind` is phone (value in E.164) or email (any writing of the address)."""
        comparable = comparable_email(value) if kind == EMAIL else value
        return hmac.digest(self._key, f"{kind}:{comparable}".encode(), "sha256")
