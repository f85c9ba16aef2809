"""Secrets at rest: AES-256-GCM with keys from the environment, so that neither a dump nor a backup of a database gives them away.

What is sealed names its key, so keys can be changed without a stop: the first key of the setting seals, all of them open. A
context (whose secret, which field) is sealed in with the value: moved to another row it does not open.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from services.common.config import ConfigError, Environment

_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_KEY, _NONCE = 32, 12


class SealBroken(Exception):
    """What was sealed cannot be opened: by an unknown key, or it is not what was sealed there."""


class Sealer:
    """Seals and opens small values."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        """Id → key of 32 bytes; the first seals."""
        self._keys = dict(keys)

    @classmethod
    def read(cls, environment: Environment, name: str = "SEALING_KEYS") -> Sealer:
        """From "id:key,id:key", keys in URL-safe base64. Raises ConfigError, which never shows a key."""
        keys: dict[str, bytes] = {}
        for part in environment.text(name).split(","):
            key_id, _, encoded = part.strip().partition(":")
            try:
                key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
            except (binascii.Error, ValueError):
                key = b""
            if not _KEY_ID.fullmatch(key_id) or len(key) != _KEY:
                raise ConfigError(
                    f"ONEFOLD_{name} is not a list of id:key with keys of {_KEY} bytes in URL-safe base64"
                )
            keys[key_id] = key
        return cls(keys)

    def seal(self, value: str, context: str) -> bytes:
        """The value, sealed with the newest key for this context."""
        key_id = next(iter(self._keys))
        head = key_id.encode()
        nonce = os.urandom(_NONCE)
        sealed = _cipher(self._keys[key_id]).encrypt(nonce, value.encode(), context.encode())
        return bytes([len(head)]) + head + nonce + bytes(sealed)

    def open(self, sealed: bytes, context: str) -> str:
        """What was sealed for this context. Raises SealBroken."""
        body = sealed[1 + sealed[0] :] if sealed else b""
        key = self._keys.get(sealed[1 : len(sealed) - len(body)].decode(errors="replace"))
        if key is None or len(body) < _NONCE:
            raise SealBroken("sealed with a key that is not among ONEFOLD_SEALING_KEYS")
        try:
            return bytes(_cipher(key).decrypt(body[:_NONCE], body[_NONCE:], context.encode())).decode()
        except _refusal() as error:
            raise SealBroken("not what was sealed there") from error


@cache
def _cipher(key: bytes) -> Any:
    # Imported here: most processes never open a secret, and OpenSSL's bindings are some megabytes.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _refusal() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    return InvalidTag
