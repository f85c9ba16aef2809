"""REST for merchants' own programs under /api/v1 (H4)."""

from __future__ import annotations

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.openapi import OpenAPI
from flask_wtf.csrf import CSRFProtect

blueprint = APIBlueprint("api", __name__, url_prefix="/api/v1")


def install(app: OpenAPI, csrf: CSRFProtect) -> None:
    """Registers the resources. They take no cookie, so no other site's page can use them and no form token is needed."""
    csrf.exempt(blueprint)
    app.register_api(blueprint)
