"""The cart becomes an order, of a guest or of whoever is logged in (A1, A2, A7, A8, C6, E4).

A guest's phone and e-mail are believed by nobody: the order is a guest's, whoever has them, and no page tells the difference. What the
customer has seen travels in the form; the order is made at these prices or not at all.
"""

from __future__ import annotations

import re
from uuid import UUID

import structlog
from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import EmailField, FormField, HiddenField, RadioField, StringField, TelField, TextAreaField

from gateway import addresses
from gateway.addresses import AddressFields
from gateway.clients import services
from gateway.console.forms import KeyedForm
from gateway.console.frame import Page
from gateway.console.problems import refuse
from gateway.errors import http_status, is_unreachable
from gateway.flows import check_out
from gateway.formats import parse_whole
from gateway.items import name_of
from gateway.languages import html_language
from gateway.storefront.carts import cart_of, read_cart
from gateway.storefront.frame import blueprint, store_at
from gateway.storefront.session import Member, member, profile
from onefold.common.v1.common_pb2 import Address, Contact
from onefold.identity_merge.v1.service_pb2 import Store
from onefold.membership.v1.benefits_pb2 import QuoteBenefitsRequest, QuoteBenefitsResponse
from onefold.membership.v1.profiles_pb2 import Addresses, ChangeProfileRequest
from onefold.membership.v1.service_pb2 import Customer
from onefold.orders.v1 import carts_pb2 as pb
from onefold.orders.v1.service_pb2 import CHANNEL_STOREFRONT, CreateOrderRequest, Order, OrderLine
from services.common import clock
from services.common.contact import read_contact
from services.common.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    OnefoldError,
    StateConflict,
    Unavailable,
    Violations,
)
from services.common.ids import new_id
from services.common.links import Links

log = structlog.get_logger()
FIELDS = {
    "contact.name": "name",
    "contact.phone": "phone",
    "contact.email": "email",
    "points_redeemed": "redeem_points",
    "note": "note",
    **addresses.paths("shipping_address.", "ship_to"),
}
_OF_POINTS = {"points_insufficient", "points_not_redeemable", "points_unavailable", "not_a_member"}
# The customer must look again: what was shown is not what is there.
_OF_CART = {"price_changed", "item_not_sold", "cart_changed", "empty_lines"}
ELSEWHERE = "new"
_SEEN = re.compile(r"([0-9a-f-]{36}):(\d{1,6}):(\d{1,12})")
# One more than a cart can have.
_MOST_SEEN = 101


class CheckoutForm(KeyedForm):
    """Contact and shipping; `cart_id` and `seen` are the cart and the lines that the customer was shown."""

    name = StringField(_l("Name"))
    phone = TelField(_l("Mobile phone"))
    email = EmailField(_l("E-mail"))
    address = RadioField(_l("Ship to"), validate_choice=False)
    ship_to = FormField(AddressFields)
    note = TextAreaField(_l("Note for the store"))
    redeem_points = StringField(_l("Use points"))
    cart_id = HiddenField()
    seen = HiddenField()


@blueprint.route("/<slug>/checkout", methods=["GET", "POST"])
def checkout(slug: str) -> Page:
    """Contact and shipping, then the order; a double click, a reload or the way back make no second one (E7)."""
    store, form = store_at(slug), CheckoutForm()
    ref, person = cart_of(store), _person(store)
    if request.method == "GET":
        found = read_cart(ref)
        if not found.lines:
            return redirect(url_for("storefront.cart", slug=slug))
        _prefill(store, form, person)
        return _show(store, form, found, person)
    try:
        order = _place(store, form, ref, person)
    except (NotFound, StateConflict) as error:
        if error.reason in _OF_POINTS:
            return _again(store, form, ref, person, error)
        flash(_("The cart is not what it was. Look at it again."), "warn")
        return redirect(url_for("storefront.cart", slug=slug))
    except OnefoldError as error:
        return _again(store, form, ref, person, error)
    links: Links = current_app.extensions["onefold_links"]
    token = links.order(slug, UUID(store.store_id), UUID(order.order_id), clock.now())
    return redirect(url_for("storefront.order", slug=slug, token=token))


def _person(store: Store) -> Customer | None:
    """The member's account, or None: a guest. While membership is away, a member orders by typing what the account would tell (E6)."""
    who = member(store)
    try:
        return profile(who) if who else None
    except Unavailable:
        return Customer(customer_id=who.customer_id) if who else None


def _prefill(store: Store, form: CheckoutForm, person: Customer | None) -> None:
    """What the account knows (C6)."""
    if person:
        form.name.data, form.phone.data, form.email.data = person.name, person.phone, person.email
        form.address.data = "0" if person.addresses else ELSEWHERE
    form.ship_to.form.country.data = store.region


def _place(store: Store, form: CheckoutForm, ref: pb.CartRef | None, person: Customer | None) -> Order:
    """Raises InvalidInput by field, and what `check_out` raises."""
    wish = _read(store, form, person)
    which = pb.CartRef(cart_id=form.cart_id.data or "")
    if ref is None or not which.cart_id:
        raise NotFound("cart_not_found")
    which.MergeFrom(ref)
    placed = check_out(which, wish, form.idempotency_key.data, apply_level=person is not None)
    if placed.level_discount_missed:
        flash(_("The order has no level discount, because your account could not be reached."), "warn")
    if person and (who := member(store)):
        _complete(who, person, placed.order)
    return placed.order


def _read(store: Store, form: CheckoutForm, person: Customer | None) -> CreateOrderRequest:
    """The order as typed. Raises InvalidInput with everything that can be seen to be wrong from here."""
    faults = Violations()
    name, phone, email = ((field.data or "").strip() for field in (form.name, form.phone, form.email))
    faults.gather(lambda: read_contact(name, phone, email, store.region), None)
    if not name:
        faults.add("contact.name", "required")
    if not phone and not email:
        faults.add("contact.email", "required")
    ship_to = _address(form, person)
    ship_to.recipient = ship_to.recipient or name if ship_to.lines else ""
    if not ship_to.lines:
        faults.add("shipping_address.lines", "required")
    points = 0
    if (form.redeem_points.data or "").strip() and person:
        points = faults.gather(lambda: parse_whole(form.redeem_points.data or "", "points_redeemed"), 0)
    faults.check()
    return CreateOrderRequest(
        customer_id=person.customer_id if person else "",
        contact=Contact(name=name, phone=phone, email=email),
        channel=CHANNEL_STOREFRONT,
        currency=store.currency,
        lines=_seen(form),
        shipping_address=ship_to,
        note=form.note.data or "",
        language=html_language(),
        points_redeemed=points,
    )


def _address(form: CheckoutForm, person: Customer | None) -> Address:
    """The one of the account that was chosen, else what was typed."""
    known, chosen = list(person.addresses) if person else [], form.address.data or ELSEWHERE
    if chosen.isdecimal() and int(chosen) < len(known):
        return Address.FromString(known[int(chosen)].SerializeToString())  # a copy, to be filled in
    return addresses.typed(form.ship_to.form)


def _seen(form: CheckoutForm) -> list[OrderLine]:
    """What the page has shown: item, quantity and price of each line. What cannot be read is not what is in the cart."""
    found = (_SEEN.fullmatch(text) for text in (form.seen.data or "").split(" ")[:_MOST_SEEN])
    return [OrderLine(item_id=each[1], quantity=int(each[2]), unit_price_minor=int(each[3])) for each in found if each]


def _again(
    store: Store, form: CheckoutForm, ref: pb.CartRef | None, person: Customer | None, error: OnefoldError
) -> Page:
    """The form as it was typed, with what was refused by field. Where the cart is not what was shown, it is shown anew.

    Where nobody answered, the order may stand: then the cart is empty, and the form is kept to be sent again, which finds it (E4, E7).
    """
    unsure = is_unreachable(error)
    try:
        found = read_cart(ref)
    except Unavailable:
        if not unsure:
            raise
        found = pb.Cart()
    if not found.lines:
        if unsure:
            return render_template("storefront/checkout_unsure.html", store=store, form=form), http_status(error)
        return redirect(url_for("storefront.cart", slug=store.slug))
    reasons = {v.reason for v in error.violations} if isinstance(error, InvalidInput) else {error.reason}
    changed = bool(reasons & _OF_CART)
    before = {line.item_id: (line.quantity, line.unit_price_minor) for line in _seen(form)} if changed else None
    if changed:
        form.faulty, form.idempotency_key.data = True, str(new_id())
        form.form_errors = [
            *form.form_errors,
            _("The cart or a price has changed. Nothing was ordered. Look at it again, then order."),
        ]
    else:
        by_field = (
            InvalidInput.of("points_redeemed", error.reason, **error.params) if error.reason in _OF_POINTS else error
        )
        refuse(form, by_field, FIELDS)
    return _show(store, form, found, person, before), 409 if isinstance(error, Conflict) else http_status(error)


def _show(
    store: Store,
    form: CheckoutForm,
    found: pb.Cart,
    person: Customer | None,
    before: dict[str, tuple[int, int]] | None = None,
) -> str:
    offered = _offered(person, found.subtotal_minor)
    known = [*person.addresses] if person else []
    form.address.choices = [
        *((str(n), addresses.text(each)) for n, each in enumerate(known)),
        (ELSEWHERE, _("Another address")),
    ]
    form.cart_id.data = found.cart_id
    form.seen.data = " ".join(
        f"{line.item.item_id}:{line.quantity}:{line.item.unit_price_minor}" for line in found.lines
    )
    return render_template(
        "storefront/checkout.html",
        store=store,
        cart=found,
        form=form,
        person=person,
        known=known,
        name_of=name_of,
        before=before,
        offered=offered,
        total=found.subtotal_minor - offered.level_discount_minor,
        all_sold=all(line.sold for line in found.lines),
        cart_count=sum(line.quantity for line in found.lines),
    )


def _offered(person: Customer | None, amount: int) -> QuoteBenefitsResponse:
    """What level and points take off; nothing where that cannot be found out (E6)."""
    if person is None or not amount:
        return QuoteBenefitsResponse()
    try:
        return services().benefits.quote(QuoteBenefitsRequest(customer_id=person.customer_id, amount_minor=amount))
    except OnefoldError:
        return QuoteBenefitsResponse()


def _complete(who: Member, person: Customer, order: Order) -> None:
    """What the account does not know yet, the first order fills in (A2). The order stands, whatever comes of it.

    A phone or e-mail that cannot be the member's own is left out without a word: nobody learns whose it is (A8).
    """
    wish = ChangeProfileRequest(customer_id=who.customer_id)
    for name in ("name", "phone", "email"):
        if not getattr(person, name) and getattr(order.contact, name):
            setattr(wish, name, getattr(order.contact, name))
    if not person.addresses and order.shipping_address.lines:
        wish.addresses.CopyFrom(Addresses(addresses=[order.shipping_address]))
    for attempt in ("all", "without-identifiers"):
        if wish == ChangeProfileRequest(customer_id=who.customer_id):
            return
        try:
            services().profiles.change_profile(wish, key=f"first-order-{order.order_id}-{attempt}")
        except OnefoldError as error:
            log.info("profile_not_completed", reason=error.reason)
            wish.ClearField("phone")
            wish.ClearField("email")
        else:
            return
