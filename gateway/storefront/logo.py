"""The store's logo, as mails show it."""

from __future__ import annotations

from flask import Response

from gateway.clients import services
from gateway.storefront.frame import blueprint, store_at, visitor
from onefold.notification.v1 import look_pb2 as pb


@blueprint.get("/<slug>/logo/<logo_name>")
def logo(slug: str, logo_name: str) -> Response:
    """The picture. Its name says its content, so whoever has it may keep it for good. Raises NotFound (logo_not_found)."""
    found = services().looks.get_logo(pb.GetLogoRequest(logo_name=logo_name), claims=visitor(store_at(slug)))
    answer = Response(found.content, mimetype=found.media_type)
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    # Mail programs in browsers show it on pages of their own; and it is a picture, whatever else it may try to be.
    answer.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
