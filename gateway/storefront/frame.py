"""The blueprint of the pages for customers, and in which store a page is opened."""

from __future__ import annotations

from flask import Blueprint

from gateway.clients import services
from gateway.context import NOBODY
from onefold.identity_merge.v1 import service_pb2 as identity
from services.common.tokens import ServiceClaims

blueprint = Blueprint("storefront", __name__, url_prefix="/s")


def store_at(slug: str) -> identity.Store:
    """The store by its name in addresses. Raises NotFound (store_not_found)."""
    return services().access.get_store(identity.GetStoreRequest(slug=slug), claims=NOBODY).store


def visitor(store: identity.Store) -> ServiceClaims:
    """In whose name the services are called for somebody of whom nothing is known."""
    return ServiceClaims(
        actor=NOBODY.actor,
        role=NOBODY.role,
        store_id=store.store_id,
        region=store.region,
        currency=store.currency,
        timezone=store.timezone,
        language=store.language,
    )
