"""What a person wishes of a list, and how it travels in an address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from flask import url_for
from werkzeug.datastructures import MultiDict


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on: what it says, and the list without it."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was typed: parameter → values."""

    wishes: Mapping[str, tuple[str, ...]]

    @classmethod
    def taken(cls, sent: MultiDict[str, str], ones: Iterable[str], several: Iterable[str]) -> Self:
        """From an address or a form: parameters that have one value, and those that have several."""
        found: dict[str, tuple[str, ...]] = {
            name: (sent.get(name, "").strip(),) for name in ones if sent.get(name, "").strip()
        }
        for name in several:
            if values := tuple(dict.fromkeys(value for value in sent.getlist(name) if value)):
                found[name] = values
        return cls(found)

    def one(self, name: str) -> str:
        """The value of a parameter that has one."""
        return self.wishes.get(name, ("",))[0]

    def pairs(self) -> list[tuple[str, str]]:
        """As hidden fields of a form."""
        return [(name, value) for name, values in self.wishes.items() for value in values]

    def without(self, name: str, value: str = "") -> Self:
        """The same list with one wish less."""
        left = tuple(each for each in self.wishes.get(name, ()) if value and each != value)
        rest = {each: values for each, values in self.wishes.items() if each != name}
        return type(self)(rest | ({name: left} if left else {}))

    def address(self, endpoint: str, **more: Any) -> str:
        """A page with these wishes."""
        wishes: dict[str, Any] = {name: list(values) for name, values in self.wishes.items()}
        return url_for(endpoint, **wishes, **more)
