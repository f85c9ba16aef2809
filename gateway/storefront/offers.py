"""The providers by which people can log in, as pages offer them (A3)."""

from __future__ import annotations

import time
from collections.abc import Sequence

import structlog

from gateway.clients import services
from gateway.storefront import codes
from gateway.storefront.frame import visitor
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import Store
from services.common.errors import OnefoldError

log = structlog.get_logger()
# All other kinds are providers.
_OWN_KINDS = ("phone", "email")
# Of the whole installation, and changed by its operators alone.
_FRESH_SECONDS = 30.0
# A log-in page does not wait longer for its buttons.
_SECONDS = 1.0
# Until when they are fresh → the providers; one entry at most.
_known: dict[float, Sequence[pb.SocialProvider]] = {}


def offered(store: Store) -> Sequence[pb.SocialProvider]:
    """In the order in which they are offered; none while identity_merge is away, for the other ways in go on."""
    now = time.monotonic()
    for fresh_until, providers in list(_known.items()):
        if fresh_until > now:
            return providers
        _known.pop(fresh_until, None)
    wish = pb.ListProvidersRequest()
    try:
        found = services().social_logins.list_providers(wish, claims=visitor(store), seconds=_SECONDS).providers
    except OnefoldError as error:
        log.warning("providers_unknown", reason=error.reason)
        return ()
    _known[now + _FRESH_SECONDS] = found
    return found


def written(store: Store, kind: str, value: str) -> str:
    """A login method, or what was proved, as people of the store read it."""
    if kind in _OWN_KINDS:
        return codes.written(store, value)
    return f"{name_of(store, kind)} · {value}" if value else name_of(store, kind)


def name_of(store: Store, kind: str) -> str:
    """What people call a provider; its id where it is not offered any more."""
    return next((provider.name for provider in offered(store) if provider.provider_id == kind), kind)
