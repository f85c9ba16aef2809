"""Addresses of pages behind signed links (services/common/links.py)."""

from __future__ import annotations

from uuid import UUID

from flask import current_app, url_for

from onefold.identity_merge.v1.service_pb2 import Store
from services.common import clock
from services.common.links import Links


def order_page(store: Store, order_id: str) -> str:
    """The order's page for its customer, as the order e-mail has it: to look at, and to pay."""
    links: Links = current_app.extensions["onefold_links"]
    token = links.order(store.slug, UUID(store.store_id), UUID(order_id), clock.now())
    return f"{current_app.config['PUBLIC_URL']}{url_for('storefront.order', slug=store.slug, token=token)}"
