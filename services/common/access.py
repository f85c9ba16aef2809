"""Who may call an RPC: declared in the contract beside its signature, enforced here before its handler (H1, H4).

The role comes from the signed token, what it may from the one table of permissions: whatever scopes a caller claims for its staff
count for nothing. API keys have no role; what they may is in their scopes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.message import Message

from onefold.common.v1 import access_pb2
from services.common import permissions
from services.common.errors import PermissionDenied
from services.common.tokens import API_KEY, CUSTOMER, OPERATOR, PUBLIC, SERVICE, ServiceClaims

_known_scopes = lru_cache(maxsize=1_000)(permissions.of_scopes)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call one method. Made once for each, so that a call costs a look into a set."""

    permissions: tuple[str, ...]
    # Whoever has one of these may, whatever the request names; keys, and customers for what is their own, besides.
    roles: frozenset[str]
    any_key: bool
    own: tuple[str, ...]

    @classmethod
    def declared(cls, declared: access_pb2.Access) -> Access:
        """As the contract says it. A method that declares nothing is closed to everybody."""
        wanted, all_roles = frozenset(declared.permissions), permissions.ROLES
        roles = {role for role, may in all_roles.items() if declared.anybody_of_store or not wanted.isdisjoint(may)}
        for said, also in (
            (declared.visitors, (PUBLIC, CUSTOMER)),
            (declared.customers, (CUSTOMER,)),
            (declared.services, (SERVICE,)),
            (declared.operators, (OPERATOR,)),
        ):
            roles.update(also if said else ())
        own = tuple(declared.own.split(".")) if declared.own else ()
        return cls(tuple(declared.permissions), frozenset(roles), declared.anybody_of_store, own)

    def check(self, claims: ServiceClaims, request: Message) -> None:
        """Raises PermissionDenied (permission_denied) for whoever may not ask this."""
        if claims.role in self.roles:
            return
        if claims.role == API_KEY and (self.any_key or not _known_scopes(claims.scopes).isdisjoint(self.permissions)):
            return
        if claims.role == CUSTOMER and self.own and _all_own(claims.customer_id, request, self.own):
            return
        missing = {"permission": self.permissions[0]} if self.permissions else {}
        raise PermissionDenied("permission_denied", **missing)


def of_method(method: str) -> Access:
    """What the contract declares for a method as gRPC names it: "/onefold.orders.v1.OrdersService/GetOrder". Raises KeyError."""
    found = descriptor_pool.Default().FindMethodByName(method.lstrip("/").replace("/", "."))
    return Access.declared(found.GetOptions().Extensions[access_pb2.access])


def may(claims: ServiceClaims, permission: str) -> bool:
    """Whether a member of staff or a key has a permission: for handlers where it hangs on what the request says."""
    if claims.role == API_KEY:
        return permission in _known_scopes(claims.scopes)
    return permission in permissions.of_role(claims.role)


def require(claims: ServiceClaims, permission: str) -> None:
    """Raises PermissionDenied (permission_denied) for whoever has it not."""
    if not may(claims, permission):
        raise PermissionDenied("permission_denied", permission=permission)


def _all_own(customer_id: str, request: Message, path: tuple[str, ...]) -> bool:
    """Whether the request names the customer, and nobody else."""
    named = list(_values(request, path))
    return bool(customer_id) and bool(named) and all(value == customer_id for value in named)


def _values(message: Any, path: tuple[str, ...]) -> Iterator[str]:
    value = getattr(message, path[0])
    if len(path) > 1:
        yield from _values(value, path[1:])
    elif isinstance(value, str):
        yield value
    else:
        yield from value
