"""What the service worker keeps, so that the till opens without a line, and the version that changes with any of it."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import current_app, url_for

_STATIC = Path(__file__).parents[1] / "static"
_TEMPLATES = Path(__file__).parents[1] / "templates"
# The page itself stands in templates; whoever changes one of these changes what is kept.
_PAGE = ("base.html", "pos/page.html", "pos/sw.js", "macros/ui.html", "macros/nav.html")
_OWN = ("css/*.css", "img/*.svg", "js/*.js", "js/pos/*.js")
_BOOTSTRAP = "css/bootstrap.min.css"


@cache
def _own() -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(_STATIC).as_posix() for pattern in _OWN for path in _STATIC.glob(pattern)))


def addresses() -> list[str]:
    """Where the page's style sheets, pictures and scripts are."""
    own = [url_for("static", filename=name) for name in _own()]
    return [url_for("bootstrap.static", filename=_BOOTSTRAP), *own]


@cache
def version() -> str:
    """A digest over everything that is kept; 16 hex digits."""
    digest = hashlib.sha256(current_app.config["PUBLIC_URL"].encode())
    for path in (*(_STATIC / name for name in _own()), *(_TEMPLATES / name for name in _PAGE)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
