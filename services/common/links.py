"""Signed addresses of pages for people without a login: whoever holds one may do one thing, until it runs out (C7, E).

Nothing is stored: what a link opens stands in it, with a keyed digest over that, its purpose and the store's name in addresses. The
key is derived from the service key, which the gateway and the sender of mails both have; so no event carries a link.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from uuid import UUID

from services.common.config import split_keys
from services.common.errors import NotFound

# As long as somebody may come back to an order: guarantees, returns, the tax year.
ORDER_LINK_LIFETIME = timedelta(days=400)
_ORDER = b"order"
_ORDER_BODY = 36
_UNSUBSCRIBE = b"unsubscribe"
_UNSUBSCRIBE_BODY = 48
# Half of SHA-256 is beyond guessing and keeps the address on one line of a mail.
_DIGEST = 16


class Links:
    """Makes and reads links with a key derived from the service key (at least 32 characters).

    Of several keys with commas between, the first makes them; links of all are read.
    """

    def __init__(self, service_key: str) -> None:
        self._keys = [hmac.digest(key.encode(), b"onefold-links", "sha256") for key in split_keys(service_key)]

    def order(self, slug: str, store_id: UUID, order_id: UUID, now: datetime) -> str:
        """The token that opens an order's page below /s/<slug>/orders/."""
        expires = int((now + ORDER_LINK_LIFETIME).timestamp())
        return self._signed(_ORDER, slug, store_id.bytes + order_id.bytes + expires.to_bytes(4, "big"))

    def read_order(self, slug: str, token: str, now: datetime) -> tuple[UUID, UUID]:
        """(store, order) of a token. Raises NotFound (link_refused) in the same words for every cause."""
        body = self._read(_ORDER, slug, token, _ORDER_BODY)
        if int.from_bytes(body[32:], "big") <= now.timestamp():
            raise NotFound("link_refused")
        return UUID(bytes=body[:16]), UUID(bytes=body[16:32])

    def unsubscribe(self, slug: str, store_id: UUID, address_digest: bytes) -> str:
        """The token that ends advertising to an address, below /s/<slug>/unsubscribe/; `address_digest` are 32 bytes.

        It never runs out: whoever is tired of a store may find the button in any old mail. It names nobody.
        """
        return self._signed(_UNSUBSCRIBE, slug, store_id.bytes + address_digest)

    def read_unsubscribe(self, slug: str, token: str) -> tuple[UUID, bytes]:
        """(store, digest of the address) of a token. Raises NotFound (link_refused)."""
        body = self._read(_UNSUBSCRIBE, slug, token, _UNSUBSCRIBE_BODY)
        return UUID(bytes=body[:16]), body[16:]

    def _signed(self, purpose: bytes, slug: str, body: bytes) -> str:
        digest = _digest(self._keys[0], purpose, slug, body)
        return base64.urlsafe_b64encode(body + digest).rstrip(b"=").decode()

    def _read(self, purpose: bytes, slug: str, token: str, size: int) -> bytes:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        body, digest = raw[:size], raw[size:]
        known = [hmac.compare_digest(digest, _digest(key, purpose, slug, body)) for key in self._keys]
        if not any(known) or len(body) != size:
            raise NotFound("link_refused")
        return body


def _digest(key: bytes, purpose: bytes, slug: str, body: bytes) -> bytes:
    return hmac.digest(key, b"\0".join((purpose, slug.encode(), body)), "sha256")[:_DIGEST]
