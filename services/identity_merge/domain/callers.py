"""Who of a store's people calls."""

from __future__ import annotations

from uuid import UUID

from services.common.errors import PermissionDenied
from services.common.ids import parse_id
from services.common.tokens import ServiceClaims


def me(claims: ServiceClaims) -> UUID:
    """The member of staff who calls. Raises PermissionDenied for API keys and services, who are nobody."""
    kind, _, staff_id = claims.actor.partition(":")
    if kind != "staff":
        raise PermissionDenied("permission_denied", "only for people")
    return parse_id(staff_id, "actor")
