"""What a customer's browser keeps for a store: the session, and the secret that goes with a code on its way. Addresses inside a store."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from flask import current_app, request
from werkzeug.wrappers import Response

LONGEST = 200
MEMBER, CODE, CART = "member", "code", "cart"
# What is shorter was not made by us.
SHORTEST_CART = 22


def _name(kind: str, slug: str) -> str:
    """With https a name that browsers take from this host alone, over https alone; the store's own, for people are members of several."""
    return f"{'__Host-' if current_app.config['SESSION_COOKIE_SECURE'] else ''}onefold_{kind}_{slug}"


def read(kind: str, slug: str) -> str:
    """The value; "" without one, or with one that is none of ours."""
    value = request.cookies.get(_name(kind, slug), "")
    return value if len(value) <= LONGEST else ""


def keep(response: Response, kind: str, slug: str, value: str, seconds: int) -> None:
    """Puts a value into its cookie."""
    response.set_cookie(
        _name(kind, slug),
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )


def drop(response: Response, kind: str, slug: str) -> Response:
    """Takes a cookie away."""
    response.delete_cookie(
        _name(kind, slug), path="/", httponly=True, samesite="Lax", secure=current_app.config["SESSION_COOKIE_SECURE"]
    )
    return response


def inside(slug: str, address: str) -> str:
    """The address, if it leads to a page of this store; "" otherwise: no link may send people elsewhere through us."""
    path = unquote(urlsplit(address).path)
    ours = address.startswith(f"/s/{slug}/") and address.isprintable()
    return address if ours and "\\" not in path and ".." not in path.split("/") else ""
