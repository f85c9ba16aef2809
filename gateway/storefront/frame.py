"""The blueprint of the pages for customers, and in which store a page is opened."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from flask import Blueprint

from gateway.clients import services
from gateway.context import NOBODY
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common.errors import Unavailable
from services.common.tokens import ServiceClaims

blueprint = Blueprint("storefront", __name__, url_prefix="/s")
# A store's name and language seldom change, and its pages are opened all the time.
_FRESH_SECONDS = 30.0
# While identity_merge is away, guests go on with what was known of the store.
_REMEMBERED = 10_000
_stores: OrderedDict[str, tuple[float, identity.Store]] = OrderedDict()
_guard = threading.Lock()


def store_at(slug: str) -> identity.Store:
    """The store by its name in addresses. Raises NotFound (store_not_found), or Unavailable for one that is new to this process."""
    known = _stores.get(slug)
    if known and known[0] > time.monotonic():
        return known[1]
    try:
        store = services().access.get_store(identity.GetStoreRequest(slug=slug), claims=NOBODY).store
    except Unavailable:
        if known is None:
            raise
        store = known[1]
    with _guard:
        _stores[slug] = (time.monotonic() + _FRESH_SECONDS, store)
        _stores.move_to_end(slug)
        while len(_stores) > _REMEMBERED:
            _stores.popitem(last=False)
    return store


def visitor(store: identity.Store) -> ServiceClaims:
    """In whose name the services are called for somebody of whom nothing is known."""
    return claims_in(store, NOBODY.actor, NOBODY.role)


def claims_in(store: identity.Store, actor: str, role: str) -> ServiceClaims:
    """Claims of somebody in a store."""
    return ServiceClaims(
        actor=actor,
        role=role,
        store_id=store.store_id,
        region=store.region,
        currency=store.currency,
        timezone=store.timezone,
        language=store.language,
    )
