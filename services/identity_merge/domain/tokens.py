"""Tokens that people and programs carry: sessions of staff and of customers, API keys, confirmations, links to register by, invitations of
guests and of staff.

The store's id stands in the token, so that row-level security can be set before the look-up; it is no secret. What follows
is 256 random bits: nobody finds them by trying, so a fast hash is the right one to keep (a slow one is for passwords, which
people choose badly), and `Authenticate` stays one indexed look-up.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

SESSION = "ofs"
API_KEY = "ofk"
CONFIRMATION = "ofc"
MEMBER_SESSION = "ofm"
REGISTRATION = "ofr"
# Of a mail that invites a guest.
GUEST_INVITATION = "ofg"
# Sets a password of staff: an invitation's, or a forgotten one's.
INVITATION = "ofi"
# A log-in whose second step is to come.
CHALLENGE = "oft"
_HANDLE_BYTES = 16 + hashlib.sha256().digest_size
_PURPOSES = (SESSION, API_KEY, CONFIRMATION, MEMBER_SESSION, REGISTRATION, GUEST_INVITATION, INVITATION, CHALLENGE)


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was read: what it is for, whose store, and the digest by which it is found."""

    purpose: str
    store_id: UUID
    digest: bytes

    @property
    def handle(self) -> bytes:
        """Stands for the token where it is asked about, and only there: the token cannot be found from it."""
        return f"{self.purpose}_".encode() + self.store_id.bytes + self.digest


def mint(purpose: str, store_id: UUID) -> str:
    """A fresh token, "<purpose>_<store id>_<256 random bits>"."""
    return f"{purpose}_{store_id.hex}_{secrets.token_urlsafe(32)}"


def read(text: str) -> Token | None:
    """A token as somebody sent it; None when it has not the form of one."""
    purpose, _, rest = text.partition("_")
    store, _, random = rest.partition("_")
    if purpose not in _PURPOSES or len(store) != 32 or not random or len(text) > 200:
        return None
    try:
        return Token(purpose, UUID(store), digest(text))
    except ValueError:
        return None


def handle_of(text: str) -> bytes:
    """The handle of a token as somebody sent it; empty when it has not the form of one."""
    token = read(text)
    return token.handle if token else b""


def read_handle(handle: bytes) -> Token | None:
    """The token that a handle stands for; None when it has not the form of one."""
    purpose, _, rest = handle.partition(b"_")
    if len(rest) != _HANDLE_BYTES or purpose.decode(errors="replace") not in _PURPOSES:
        return None
    return Token(purpose.decode(), UUID(bytes=rest[:16]), rest[16:])


def read_session(text: str, store_id: UUID) -> bytes | None:
    """The digest of a customer's session token of the store; None for anything else."""
    token = read(text)
    return token.digest if token and token.purpose == MEMBER_SESSION and token.store_id == store_id else None


def digest(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()
