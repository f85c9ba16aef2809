"""Every error that a caller may see, in one tree.

    OnefoldError
      InvalidInput        what was sent cannot be accepted; names each field
      Unauthenticated     nobody known
      PermissionDenied    known, but not allowed
      NotFound
      AlreadyExists
      StateConflict       right request, wrong moment: the thing's state forbids it
      Conflict            somebody else was faster; look again and repeat
      Unavailable         not now; the same request may succeed later
      Internal

`reason` is a stable word that programs and translations key on; `params` fill the sentence that people read.
The mapping to gRPC is in `rpc_errors.py`, the mapping to HTTP in the gateway.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with one field. `field` is a path such as "lines[2].quantity"."""

    field: str
    reason: str
    params: dict[str, str] = dataclasses.field(default_factory=dict)


class OnefoldError(Exception):
    """Base of the tree; never raised itself."""

    def __init__(self, reason: str, detail: str = "", **params: str) -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail
        self.params = params


class InvalidInput(OnefoldError):
    """The request cannot be accepted as it is; nothing was written."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("invalid_input", "; ".join(f"{v.field}: {v.reason}" for v in violations))
        self.violations = violations

    @classmethod
    def of(cls, field_: str, reason: str, **params: str) -> InvalidInput:
        """The common case of one wrong field."""
        return cls(Violation(field_, reason, params))


class Unauthenticated(OnefoldError):
    """No credential, or none that is known."""


class PermissionDenied(OnefoldError):
    """The caller is known and may not do this."""


class NotFound(OnefoldError):
    """Nothing by that id in the caller's store."""


class AlreadyExists(OnefoldError):
    """The thing to be made is there already."""


class StateConflict(OnefoldError):
    """The state of the thing forbids the request."""


class Conflict(OnefoldError):
    """The request lost against a concurrent or earlier change."""


class Unavailable(OnefoldError):
    """A part that is needed cannot be reached; nothing was decided."""


class Internal(OnefoldError):
    """A defect on our side."""


class Violations:
    """Collects violations, so that a form learns of all its faults at once."""

    def __init__(self) -> None:
        self._found: list[Violation] = []

    def add(self, field_: str, reason: str, **params: str) -> None:
        """Notes one violation."""
        self._found.append(Violation(field_, reason, params))

    def extend(self, error: InvalidInput, prefix: str = "") -> None:
        """Takes over the violations of a nested value, under its path."""
        self._found += [Violation(prefix + v.field, v.reason, v.params) for v in error.violations]

    def gather(self, read: Callable[[], T], otherwise: T, prefix: str = "") -> T:
        """What `read` gives; if it raises InvalidInput, notes that under `prefix` and goes on with `otherwise`."""
        try:
            return read()
        except InvalidInput as error:
            self.extend(error, prefix)
            return otherwise

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raises InvalidInput when anything was noted."""
        if self._found:
            raise InvalidInput(*self._found)
