"""Entering an order, paid or unpaid, on a customer's behalf (A4). Without script each button is a step that keeps all typed."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway import addresses
from gateway.auth import principal, requires
from gateway.console import ask
from gateway.console.benefits import of_picked, words
from gateway.console.forms import OrderForm, code_of
from gateway.console.frame import Page, blueprint
from gateway.console.orders import CONTACT_FIELDS
from gateway.console.problems import refuse, status_of
from gateway.flows import Placed, place_order
from gateway.formats import decimal_text, digits, parse_amount, parse_whole, symbol
from gateway.items import every, name_in
from onefold.common.v1.common_pb2 import Contact
from onefold.membership.v1.service_pb2 import Customer, CustomerStatus
from onefold.orders.v1.items_pb2 import Item, ListItemsRequest
from onefold.orders.v1.service_pb2 import Channel, CreateOrderRequest, OrderLine
from services.common.contact import read_contact
from services.common.errors import InvalidInput, OnefoldError, Violations
from services.common.permissions import ITEMS_READ, ORDERS_WRITE

FIELDS = CONTACT_FIELDS | {
    "discount_minor": "discount",
    "shipping_minor": "shipping",
    "note": "note",
    "payment_method": "payment_method",
    "payment_reference": "payment_reference",
    "customer_id": "customer_id",
    "customer": "customer_query",
    "lines": "lines",
    "points_redeemed": "redeem_points",
    "level_discount_minor": "level_discount",
    **addresses.paths("shipping_address.", "ship_to"),
}
# What is refused of the points, and is shown where they were typed.
_OF_POINTS = {"points_insufficient", "points_not_redeemable", "points_unavailable", "not_a_member"}
MODES = ("search", "picked", "new")
# More would make the page heavy; what is not offered can still be typed.
MOST_OFFERED = 300


@blueprint.route("/orders/new/<any(paid, unpaid):kind>", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def new_order(kind: str) -> Page:
    """Shows the form, takes a step in it, or saves the order; a double click saves one (E7)."""
    form = OrderForm()
    if request.method == "GET":
        return _show(_fresh(form, kind), kind)
    if form.customer_mode.data not in MODES:
        form.customer_mode.data = "search"
    action = request.form.get("action", "save")
    if action != "save":
        return _show(form, kind, found=_step(form, action))
    try:
        wish = _read(form, kind)
        apply_level = bool(wish.customer_id and form.level_discount.data)
        placed = place_order(wish, form.idempotency_key.data, apply_level=apply_level)
    except OnefoldError as error:
        refuse(form, _by_field(error), FIELDS)
        return _show(form, kind), status_of(error)
    _tell(placed)
    return redirect(url_for("console.order", order_id=placed.order.order_id))


def _by_field(error: OnefoldError) -> OnefoldError:
    return InvalidInput.of("points_redeemed", error.reason, **error.params) if error.reason in _OF_POINTS else error


def _tell(placed: Placed) -> None:
    flash(_("Order #%(number)s is saved.", number=placed.order.number), "good")
    if placed.level_discount_missed:
        flash(_("It has no level discount, because member details could not be reached."), "warn")
    if not placed.buyer.created_member:
        return
    name = placed.buyer.name or ask.person(placed.order.contact)
    if placed.order.contact.email:
        flash(_("%(name)s is now a member. A confirmation e-mail is on its way.", name=name), "info")
    else:
        flash(_("%(name)s is now a member.", name=name), "info")


def _fresh(form: OrderForm, kind: str) -> OrderForm:
    form.add_as_member.data = kind == "paid"
    form.level_discount.data = True
    customer_id = request.args.get("customer", "")
    if customer_id:
        form.customer_mode.data, form.customer_id.data = "picked", customer_id
    form.add_blank_lines()
    return form


def _step(form: OrderForm, action: str) -> list[Customer] | None:
    """A step without script. Returns the customers found, or None where nobody searched."""
    name, _colon, value = action.partition(":")
    if name == "search":
        return list(ask.customers(query=form.customer_query.data or "", size=8).customers)
    if name == "pick":
        form.customer_mode.data, form.customer_id.data = "picked", value
    elif name == "new":
        form.customer_mode.data = "new"
        _prefill(form, (form.customer_query.data or "").strip())
    elif name == "change":
        form.customer_mode.data = "search"
    elif name == "add":
        form.add_blank_lines()
    elif name == "remove" and value.isdecimal() and int(value) < len(form.lines):
        form.lines.entries.pop(int(value))
        if not len(form.lines):
            form.lines.append_entry()
    return None


def _prefill(form: OrderForm, typed: str) -> None:
    """What was searched for becomes the new customer's name, phone or e-mail, whichever it looks like."""
    plain = typed.translate(str.maketrans("", "", "+() -"))
    field = form.email if "@" in typed else form.phone if plain.isdecimal() and len(plain) >= 5 else form.name
    field.data = field.data or typed


def _read(form: OrderForm, kind: str) -> CreateOrderRequest:
    """The order as typed. Raises InvalidInput with everything that can be seen to be wrong from here."""
    faults = Violations()
    currency = ask.store().currency
    wish = CreateOrderRequest(
        paid=kind == "paid", channel=Channel.CHANNEL_CONSOLE, currency=currency, note=form.note.data or ""
    )
    _read_customer(form, wish, faults)
    items = {name_of(item): item for item in reversed(_offered())}
    for number, line in enumerate(form.filled_lines()):
        read = _read_line(line, f"lines[{number}]", currency, faults)
        _take_item(read, items.get(read.title.strip()), priced=bool((line.unit_price.data or "").strip()))
        wish.lines.append(read)
    if not wish.lines:
        faults.add("lines", "empty_lines")
    wish.discount_minor = _amount(form.discount.data, "discount_minor", currency, faults)
    wish.shipping_minor = _amount(form.shipping.data, "shipping_minor", currency, faults)
    ship_to = addresses.typed(form.ship_to.form)
    if ship_to.ByteSize():
        wish.shipping_address.CopyFrom(ship_to)
    if wish.paid:
        wish.payment_method = code_of(form.payment_method.data)  # type: ignore[assignment]  # an open enum
        wish.payment_reference = form.payment_reference.data or ""
    faults.check()
    return wish


def _read_customer(form: OrderForm, wish: CreateOrderRequest, faults: Violations) -> None:
    if form.customer_mode.data == "picked":
        wish.customer_id = form.customer_id.data or ""
        if (form.redeem_points.data or "").strip():
            with ask.noting(faults):
                wish.points_redeemed = parse_whole(form.redeem_points.data or "", "points_redeemed")
        wish.add_as_member = bool(form.add_as_member.data)
    elif form.customer_mode.data == "new":
        typed = (form.name.data or "", form.phone.data or "", form.email.data or "")
        wish.add_as_member = bool(form.add_as_member.data)
        with ask.noting(faults):
            read_contact(*typed, ask.store().region)
        if not any(text.strip() for text in typed):
            faults.add("contact", "required")
        wish.contact.CopyFrom(Contact(name=typed[0], phone=typed[1], email=typed[2]))
    else:
        faults.add("customer", "customer_not_chosen")


def _read_line(line: OrderForm, path: str, currency: str, faults: Violations) -> OrderLine:
    quantity = 0
    with ask.noting(faults):
        quantity = parse_whole(line.quantity.data or "", f"{path}.quantity")
    if not -(2**31) <= quantity < 2**31:
        faults.add(f"{path}.quantity", "quantity_out_of_range")
        quantity = 0
    price = _amount(line.unit_price.data, f"{path}.unit_price_minor", currency, faults)
    less = _amount(line.discount.data, f"{path}.discount_minor", currency, faults)
    return OrderLine(title=line.title.data or "", quantity=quantity, unit_price_minor=price, discount_minor=less)


def name_of(item: Item) -> str:
    """What an order calls the item: its name in the store's language."""
    return name_in(item, ask.store().language)


def _offered() -> list[Item]:
    """The items that are offered for a line; none where the list cannot be reached."""
    if not principal().may(ITEMS_READ):
        return []
    return ask.if_up(lambda: list(every(ListItemsRequest(), MOST_OFFERED))) or []


def _take_item(line: OrderLine, item: Item | None, *, priced: bool) -> None:
    """A line that is called as an item is that item, at its price unless another was typed."""
    if item is None:
        return
    line.item_id, line.sku = item.item_id, item.sku
    if not priced:
        line.unit_price_minor = item.unit_price_minor


def _amount(text: str | None, path: str, currency: str, faults: Violations) -> int:
    try:
        return parse_amount(text or "", currency, path)
    except InvalidInput as error:
        faults.extend(error)
        return 0


def _show(form: OrderForm, kind: str, found: list[Customer] | None = None) -> str:
    currency = ask.store().currency
    mode = form.customer_mode.data
    picked = ask.if_up(lambda: ask.customer(form.customer_id.data or "")) if mode == "picked" else None
    offered = of_picked((mode == "picked" and form.customer_id.data) or "")
    return render_template(
        "console/order_new.html",
        area="orders",
        form=form,
        kind=kind,
        mode=mode,
        found=found,
        picked=picked,
        benefits=offered,
        benefits_words=words(offered),
        picked_guest=picked is not None and picked.status == CustomerStatus.CUSTOMER_STATUS_GUEST,
        digits=digits(currency),
        currency_symbol=symbol(currency),
        zero=decimal_text(0, currency),
        items=[(name_of(item), item, decimal_text(item.unit_price_minor, currency)) for item in _offered()],
    )
