"""REST for merchants' own programs under /api/v1 (H4)."""

from __future__ import annotations

from flask_openapi3.openapi import OpenAPI
from flask_wtf.csrf import CSRFProtect

from gateway.api import access, customers, docs, merges, orders
from gateway.api.base import PREFIX, blueprint

__all__ = ["access", "customers", "install", "merges", "orders"]


def install(app: OpenAPI, csrf: CSRFProtect) -> None:
    """Registers the resources. They take no cookie, so no other site's page can use them and no form token is needed."""
    csrf.exempt(blueprint)
    app.register_api(blueprint)
    app.register_blueprint(docs.blueprint)
    app.add_url_rule(f"{PREFIX}/openapi.json", "openapi", docs.openapi)
