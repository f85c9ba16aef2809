"""A member's addresses, which staff and the member change (C4, C6). One is known by what it says, so two people can change two of them
at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from typing import Any

from gateway import addresses
from gateway.console.problems import refuse
from onefold.common.v1.common_pb2 import Address
from onefold.membership.v1.service_pb2 import Customer
from services.common.errors import Conflict, InvalidInput, OnefoldError

NEW = "new"
# Somebody else may be faster a few times in a row.
_TRIES = 5


def key_of(address: Address) -> str:
    """An address in an address of a page."""
    return hashlib.sha256(address.SerializeToString(deterministic=True)).hexdigest()[:16]


def with_key(known: Sequence[Address], key: str) -> Address | None:
    """The address of a key, if it is still there."""
    return next((address for address in known if key_of(address) == key), None)


def put(known: list[Address], old: Address | None, new: Address) -> list[Address]:
    """The addresses with `new` in the place of `old`, or at the end."""
    if old is None or old not in known:
        return known if new in known else [*known, new]
    return [new if address == old else address for address in known]


def arrange(known: list[Address], key: str, action: str) -> list[Address]:
    """The addresses with one put first (`default`) or taken away (`remove`); one that is gone already is no error."""
    mine = [address for address in known if key_of(address) == key]
    others = [address for address in known if key_of(address) != key]
    return others if action == "remove" else [*mine, *others]


def change(
    read: Callable[[], Customer],
    write: Callable[[Customer, Sequence[Address]], object],
    wanted: Callable[[list[Address]], list[Address]],
) -> None:
    """Brings the addresses as they are now into the order wanted; nobody who was faster is overwritten. Raises Conflict (stale_version)."""
    for _try in range(_TRIES):
        found = read()
        arranged = wanted(list(found.addresses))
        if arranged == list(found.addresses):
            return
        try:
            write(found, arranged)
        except Conflict as error:
            if error.reason != "stale_version":
                raise
        else:
            return
    raise Conflict("stale_version")


def check_filled(address: Address) -> None:
    """Whether anything stands there. Raises InvalidInput (required)."""
    if address == Address():
        raise InvalidInput.of("recipient", "required")


def refuse_typed(form: Any, error: OnefoldError) -> None:
    """Notes an error on the form: whichever address it is in the list, it is the one on this form."""
    fields = addresses.paths("")
    if isinstance(error, InvalidInput):
        here = {v.field: re.sub(r"^addresses\[\d+\]\.|\[\d+\]$", "", v.field) for v in error.violations}
        fields = {path: name for path, name in {**here, **fields}.items() if name in form}
    refuse(form, error, fields)
