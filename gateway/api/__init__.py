"""REST for merchants' own programs under /api/v1 (H4)."""

from __future__ import annotations

from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from flask_wtf.csrf import CSRFProtect

from gateway.api import (
    access,
    audit,
    benefits,
    bulk,
    carts,
    customers,
    directory,
    docs,
    duplicates,
    imports,
    invitations,
    items,
    keys,
    levels,
    merge_batches,
    merges,
    messages,
    orders,
    profiles,
    spend,
    staff,
    webhooks,
)
from gateway.api.base import ABOUT, PREFIX, SECURITY, blueprint
from gateway.api.fields import Problem

__all__ = [
    "access",
    "application",
    "audit",
    "benefits",
    "bulk",
    "carts",
    "customers",
    "directory",
    "duplicates",
    "imports",
    "install",
    "invitations",
    "items",
    "keys",
    "levels",
    "merge_batches",
    "merges",
    "messages",
    "orders",
    "profiles",
    "spend",
    "staff",
    "webhooks",
]


def application(name: str) -> OpenAPI:
    """A Flask application that collects the OpenAPI document of its resources."""
    info = Info(title="Onefold", version="1", description=ABOUT)
    return OpenAPI(name, info=info, security_schemes=SECURITY, validation_error_model=Problem, doc_ui=False)


def install(app: OpenAPI, csrf: CSRFProtect) -> None:
    """Registers the resources. They take no cookie, so no other site's page can use them and no form token is needed."""
    csrf.exempt(blueprint)
    app.register_api(blueprint)
    app.register_blueprint(docs.blueprint)
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", docs.openapi)
