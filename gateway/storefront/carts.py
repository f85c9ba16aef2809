"""The shop window, and the cart that a visitor or member fills from it (E4).

A visitor's cart hangs on a random token in a cookie; a member's on the account. Prices are the list's: no form of these pages carries one
that counts.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence

from flask import Response as FlaskResponse
from flask import after_this_request, flash, g, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from gateway.clients import services
from gateway.console.forms import KeyedForm
from gateway.console.problems import sentence_of
from gateway.items import name_of
from gateway.storefront import cookies
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.session import Member, member, on_log_in
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.orders.v1 import carts_pb2 as pb
from onefold.orders.v1.items_pb2 import ListItemsRequest
from services.common.errors import InvalidInput, OnefoldError

# As long as the orders service keeps a visitor's cart.
_CART_SECONDS = 90 * 86_400
_SHOWN = 48
_NO_NUMBER = -1  # which the service refuses by name


@blueprint.get("/<slug>/", strict_slashes=False)
def shop(slug: str) -> Response:
    """What is sold online, to be put into the cart."""
    store = store_at(slug)
    ref = cart_of(store)
    query, token = (request.args.get(name, "").strip() for name in ("q", "page"))
    wish = ListItemsRequest(page=PageRequest(size=_SHOWN, token=token), query=query, sold_online=True)
    found = services().items.list(wish)
    page = render_template(
        "storefront/shop.html",
        store=store,
        items=found.items,
        name_of=name_of,
        next_token=found.next_page_token,
        later_page=bool(token),
        query=query,
        cart_count=_count(read_cart(ref)),
        form=KeyedForm(formdata=None),
    )
    response = make_response(page)
    # Given with the first page, so that a double click on the first button fills one cart.
    if ref is None:
        cookies.keep(response, cookies.CART, slug, secrets.token_urlsafe(24), _CART_SECONDS)
    return response


@blueprint.get("/<slug>/cart")
def cart(slug: str) -> str:
    """What is in the cart, at the prices of now."""
    store = store_at(slug)
    found = read_cart(cart_of(store))
    return render_template(
        "storefront/cart.html",
        store=store,
        cart=found,
        name_of=name_of,
        cart_count=_count(found),
        all_sold=all(line.sold for line in found.lines),
        form=KeyedForm(formdata=None),
    )


@blueprint.post("/<slug>/cart/items")
def put_in_cart(slug: str) -> Response:
    """Puts an item in; a double click puts it in once (E7)."""
    store = store_at(slug)
    wish = pb.CartWish(
        item_id=request.form.get("item_id", ""), quantity=_quantity(request.form.get("quantity")), add=True
    )
    if change_cart(store, [wish]):
        flash(_("It is in the cart."), "good")
    return redirect(_back(slug))


@blueprint.post("/<slug>/cart")
def change_quantities(slug: str) -> Response:
    """Other quantities for what is in the cart, or one item out of it."""
    store, removed = store_at(slug), request.form.get("remove", "")
    typed = {name.removeprefix("q-"): value for name, value in request.form.items() if name.startswith("q-")}
    wishes = [pb.CartWish(item_id=item_id, quantity=_quantity(text)) for item_id, text in typed.items()]
    if removed:
        wishes = [pb.CartWish(item_id=removed)]
    if wishes and change_cart(store, wishes):
        flash(_("The cart is up to date."), "good")
    return redirect(url_for("storefront.cart", slug=slug))


def cart_of(store: Store) -> pb.CartRef | None:
    """Whose cart these pages show: the member's, else the visitor's; None for who has never been here.

    A visitor's cart that is still there beside a member goes into the member's now: at log-in the service may have been away.
    """
    who, token = member(store), cookies.read(cookies.CART, store.slug)
    if who:
        if token:
            _take_over(store, who, token)
        return pb.CartRef(customer_id=who.customer_id)
    return pb.CartRef(visitor_token=token) if len(token) >= cookies.SHORTEST_CART else None


@on_log_in
def take_over_cart(store: Store, who: Member) -> None:
    """What somebody put in before logging in is the member's from then on (F5)."""
    if token := cookies.read(cookies.CART, store.slug):
        _take_over(store, who, token)


def _take_over(store: Store, who: Member, token: str) -> None:
    if g.get("cart_taken_over"):
        return
    g.cart_taken_over = True
    if len(token) >= cookies.SHORTEST_CART:
        wish = pb.ClaimCartRequest(cart=pb.CartRef(visitor_token=token), customer_id=who.customer_id)
        services().carts.claim(wish)
    after_this_request(lambda response: _without_cart(response, store.slug))


def _without_cart(response: FlaskResponse, slug: str) -> FlaskResponse:
    cookies.drop(response, cookies.CART, slug)
    return response


def read_cart(ref: pb.CartRef | None) -> pb.Cart:
    """The open cart; an empty one where there is none."""
    return services().carts.get(pb.GetCartRequest(cart=ref)).cart if ref else pb.Cart()


def change_cart(store: Store, wishes: Sequence[pb.CartWish]) -> bool:
    """Does what is wished; what is refused is told on the next page."""
    ref = cart_of(store)
    if ref is None:
        flash(
            _("Your browser keeps no cookies of this store, so it cannot keep a cart. Allow them and try again."), "bad"
        )
        return False
    request_ = pb.ChangeCartRequest(cart=ref, lines=wishes)
    # The same form may be sent for several items, each once.
    typed = hashlib.sha256(request_.SerializeToString(deterministic=True)).hexdigest()[:16]
    try:
        services().carts.change(request_, key=f"{KeyedForm().idempotency_key.data[:100]}-{typed}")
    except OnefoldError as error:
        reasons = [(v.reason, v.params) for v in error.violations] if isinstance(error, InvalidInput) else []
        for reason, params in dict(reasons or [(error.reason, error.params)]).items():
            flash(sentence_of(reason, params), "bad")
        return False
    return True


def _quantity(text: str | None) -> int:
    """A quantity as typed; blank is 1, and what is none cannot be kept."""
    clean = (text or "1").strip()
    return int(clean) if clean.isascii() and clean.isdigit() and len(clean) < 7 else _NO_NUMBER


def _count(cart: pb.Cart) -> int:
    return sum(line.quantity for line in cart.lines)


def _back(slug: str) -> str:
    return cookies.inside(slug, request.form.get("back", "")) or url_for("storefront.shop", slug=slug)
