"""Configuration from the environment: read once at start, failing there by the name of what is missing."""

from __future__ import annotations

import os
from collections.abc import Mapping


class ConfigError(Exception):
    """A setting is missing or wrong; the message names the variable."""


class Environment:
    """Reads ONEFOLD_… variables."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str | None = None) -> str:
        """The variable's text. Raises ConfigError when it is unset and has no default."""
        value = self._values.get(f"ONEFOLD_{name}", default)
        if not value and default is None:
            raise ConfigError(f"ONEFOLD_{name} is not set")
        return value or ""

    def secret(self, name: str) -> str:
        """A secret of at least 32 characters. Raises ConfigError."""
        value = self.text(name)
        if len(value) < 32:
            raise ConfigError(f"ONEFOLD_{name} is too short: at least 32 characters are needed")
        return value

    def secrets(self, name: str) -> str:
        """One secret, or several with commas between, each of at least 32 characters: while a key is being changed there are two.

        Raises ConfigError.
        """
        value = self.text(name)
        if min(map(len, split_keys(value))) < 32:
            raise ConfigError(f"ONEFOLD_{name} is too short: at least 32 characters are needed of each of its keys")
        return value

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises ConfigError."""
        value = self._values.get(f"ONEFOLD_{name}") or str(default)
        try:
            return int(value)
        except ValueError:
            raise ConfigError(f"ONEFOLD_{name} is not a whole number: {value!r}") from None


def split_keys(setting: str) -> list[str]:
    """The keys of a setting that may hold several: the first is used, all of them are known."""
    return [key.strip() for key in setting.split(",")]
