"""Orders: one order, its payment, its contact."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway import addresses
from gateway.auth import principal, requires
from gateway.console import ask, ask_payments
from gateway.console.forms import ContactForm, KeyedForm, PaymentForm, code_of, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.order_mail import customer_link
from gateway.console.order_steps import possible
from gateway.console.problems import refuse
from gateway.providers import provider_of
from onefold.common.v1.common_pb2 import Contact
from onefold.membership.v1.service_pb2 import Customer
from onefold.orders.v1.service_pb2 import EditContactRequest, Order, OrderStatus
from services.common.errors import Conflict, NotFound, OnefoldError, StateConflict
from services.common.ids import new_id
from services.common.permissions import ORDERS_READ, ORDERS_WRITE

CONTACT_FIELDS = {"contact.name": "name", "contact.phone": "phone", "contact.email": "email", "contact": "name"}


@blueprint.get("/orders/<uuid:order_id>")
@requires(ORDERS_READ)
def order(order_id: UUID) -> str:
    """One order whole. Who owns it and what was sent are shown as far as their services answer (E6)."""
    found = ask.order(str(order_id))
    customer, waits = _owner(found)
    return render_template(
        "console/order.html",
        area="orders",
        order=found,
        unpaid=found.status == OrderStatus.ORDER_STATUS_UNPAID,
        customer=customer,
        customer_waits=waits,
        owner_merged=customer is not None and customer.customer_id != found.customer_id,
        messages=ask.if_up(lambda: ask.messages(order_id=found.order_id)),
        payment_form=PaymentForm(formdata=None),
        customer_link=customer_link(order_id) if principal().may(ORDERS_WRITE) else "",
        email_form=KeyedForm(formdata=None),
        provider=provider_of(found, principal().claims),
        to_look_at=ask.if_up(lambda: ask_payments.notices(order_id=found.order_id)),
        possible=possible(found),
    )


def _owner(found: Order) -> tuple[Customer | None, bool]:
    """The owner, and whether membership has yet to hear of it."""
    try:
        return ask.if_up(lambda: ask.customer(found.customer_id)), False
    except NotFound:
        return None, True


@blueprint.route("/orders/<uuid:order_id>/payment", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def payment(order_id: UUID) -> Page:
    """Confirms that the whole amount came in (E1); an order of a merged account goes to its survivor with it (F7)."""
    form = PaymentForm()
    if request.method == "POST":
        try:
            paid = ask.confirm_payment(
                str(order_id), code_of(form.method.data), form.reference.data or "", form.idempotency_key.data
            )
        except StateConflict:
            flash(_("This order is not waiting for payment any more."), "warn")
            return redirect(url_for("console.order", order_id=order_id))
        except OnefoldError as error:
            refuse(form, error, {"method": "method", "reference": "reference"})
        else:
            flash(_("Payment confirmed for order #%(number)s.", number=paid.number), "good")
            return redirect(url_for("console.order", order_id=order_id))
    page = render_template("console/payment.html", area="orders", order=ask.order(str(order_id)), form=form)
    return page, 422 if form.faulty else 200


@blueprint.route("/orders/<uuid:order_id>/contact", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def contact(order_id: UUID) -> Page:
    """Edits contact and shipping address on the order alone (E2). Whoever is late sees both versions and loses nothing."""
    form = ContactForm()
    if request.method == "GET":
        found = ask.order(str(order_id))
        _fill(form, found)
        return render_template("console/contact.html", area="orders", order=found, form=form)
    try:
        ask.edit_contact(_typed(order_id, form), form.idempotency_key.data)
    except OnefoldError as error:
        return _contact_again(form, ask.order(str(order_id)), error)
    flash(_("The contact on this order is saved."), "good")
    return redirect(url_for("console.order", order_id=order_id))


def _fill(form: ContactForm, found: Order) -> None:
    form.name.data, form.email.data = found.contact.name, found.contact.email
    form.phone.data = ask.phone(found.contact.phone)
    addresses.show(form.ship_to.form, found.shipping_address)
    form.expected_version.data = str(found.version)


def _typed(order_id: UUID, form: ContactForm) -> EditContactRequest:
    return EditContactRequest(
        order_id=str(order_id),
        contact=Contact(name=form.name.data or "", phone=form.phone.data or "", email=form.email.data or ""),
        shipping_address=addresses.typed(form.ship_to.form),
        expected_version=version_of(form.expected_version.data),
    )


def _contact_again(form: ContactForm, found: Order, error: OnefoldError) -> tuple[str, int]:
    """The form as it was typed. After a stale edit it shows the other version and may then be saved over it."""
    changed: list[tuple[Any, str]] = []
    if isinstance(error, Conflict):
        theirs = (found.contact.name, ask.phone(found.contact.phone), found.contact.email)
        fields = (form.name, form.phone, form.email)
        changed = [
            (field.label.text, value)
            for field, value in zip(fields, theirs, strict=True)
            if value != (field.data or "")
        ]
        if found.shipping_address != addresses.typed(form.ship_to.form):
            changed.append((_("Ship to"), addresses.text(found.shipping_address)))
        form.expected_version.data, form.idempotency_key.data = str(found.version), str(new_id())
    else:
        refuse(form, error, CONTACT_FIELDS | addresses.paths("shipping_address.", "ship_to"))
    page = render_template("console/contact.html", area="orders", order=found, form=form, changed=changed)
    return page, 409 if isinstance(error, Conflict) else 422
