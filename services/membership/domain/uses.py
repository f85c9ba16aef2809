"""What a person's data may be used for, as they have agreed to it (C6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.common.errors import InvalidInput, Violations

KINDS = ("email_marketing", "sms_marketing")
REGISTRATION, ACCOUNT, STAFF = "registration", "account", "staff"


@dataclass(frozen=True, slots=True)
class Use:
    """Given or withdrawn; `at` is None for who was never asked. `via` is registration, account, staff or api."""

    kind: str
    given: bool
    at: datetime | None = None
    actor: str = ""
    via: str = ""
    # Whose it was before a merge.
    origin: UUID | None = None


def read_kinds(kinds: Iterable[str]) -> Sequence[str]:
    """Each once, in the order of KINDS. Raises InvalidInput (unknown_value)."""
    asked = set(kinds)
    if asked - set(KINDS):
        raise InvalidInput.of("consents", "unknown_value", known=", ".join(KINDS))
    return [kind for kind in KINDS if kind in asked]


def read_uses(uses: Sequence[tuple[str, bool]]) -> Mapping[str, bool]:
    """(kind, given) as somebody sets them. Raises InvalidInput (required, unknown_value, repeated_consent)."""
    found = Violations()
    if not uses:
        found.add("consents", "required")
    kept: dict[str, bool] = {}
    for number, (kind, given) in enumerate(uses[: len(KINDS) + 1]):
        if kind not in KINDS:
            found.add(f"consents[{number}].kind", "unknown_value", known=", ".join(KINDS))
        elif kind in kept:
            found.add(f"consents[{number}].kind", "repeated_consent")
        kept[kind] = given
    found.check()
    return kept


def via(actor: str) -> str:
    """Where somebody sets a consent, by who it is: "customer:…", "staff:…", "api_key:…"."""
    return {"customer": ACCOUNT, "staff": STAFF}.get(actor.partition(":")[0], "api")


def every_kind(uses: Mapping[str, Use]) -> list[Use]:
    """One of each kind, not given where nobody was asked."""
    return [uses.get(kind, Use(kind, given=False)) for kind in KINDS]


def merged_use(own: Use | None, others: Sequence[Use]) -> Use | None:
    """What holds after a merge: the primary's own word, or where it was never asked the newest of the others'.

    A withdrawal anywhere outweighs an older giving: who has said no last is not written to.
    """
    if own is None:
        return max(others, key=_when, default=None)
    later = [use for use in others if not use.given and _when(use) > _when(own)]
    return max(later, key=_when, default=own) if own.given else own


def _when(use: Use) -> datetime:
    if use.at is None:
        raise ValueError("a consent that is kept has a time")
    return use.at
