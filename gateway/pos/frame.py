"""The till's blueprint. Pages and data take the cookie of the console's staff, and every write a form token (gateway/auth.py)."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("pos", __name__, url_prefix="/pos")
