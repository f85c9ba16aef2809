"""Who may do what: the table of roles, as it is enforced (H1)."""

from __future__ import annotations

from flask import render_template

from gateway import roles as words
from gateway.auth import requires
from gateway.console.frame import blueprint
from services.common import permissions


@blueprint.get("/settings/roles")
@requires()
def roles() -> str:
    """The one table that pages, API and services read; for everybody who works here."""
    return render_template(
        "console/roles.html",
        area="settings",
        groups=words.PERMISSIONS,
        roles=words.ROLES,
        heads=[(name, "yes-no") for name in words.ROLES.values()],
        allowed=permissions.ROLES,
        scopes=permissions.SCOPES,
    )
