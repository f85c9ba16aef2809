"""What becomes of an order: its next step, its end, money given back (E1). Each is a small form of its own page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from gateway.auth import requires
from gateway.console import ask
from gateway.console.forms import PAYMENT_METHODS, STEPS, CancelForm, RefundForm, StepForm, code_of
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from gateway.formats import decimal_text, parse_amount, symbol
from onefold.orders.v1.service_pb2 import AdvanceOrderRequest, Order, OrderStatus, PaymentMethod, RefundOrderRequest
from services.common.errors import InvalidInput, OnefoldError
from services.common.permissions import ORDERS_REFUND, ORDERS_WRITE

_UNDER_WAY = (
    OrderStatus.ORDER_STATUS_PAID,
    OrderStatus.ORDER_STATUS_PROCESSING,
    OrderStatus.ORDER_STATUS_SHIPPED,
    OrderStatus.ORDER_STATUS_COMPLETED,
)

# As a choice on the form.
BY_PROVIDER = str(int(PaymentMethod.PAYMENT_METHOD_ONLINE))


def possible(order: Order) -> Mapping[str, bool]:
    """Which of the forms make sense for the order as it is; the service decides."""
    held = order.paid_minor > order.refunded_minor
    return {
        "step": order.status in _UNDER_WAY[:-1],
        "cancel": order.status in (OrderStatus.ORDER_STATUS_UNPAID, *_UNDER_WAY) and not held,
        "refund": held,
    }


@blueprint.route("/orders/<uuid:order_id>/step", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def order_step(order_id: UUID) -> Page:
    """Brings the order further; what it has behind it is not offered."""
    form, found = StepForm(), ask.order(str(order_id))
    form.status.choices = [(code, label) for code, label in STEPS if int(code) > found.status] or list(STEPS)
    if request.method == "POST":
        try:
            ask.advance_order(_step(form, found), form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"status": "status", "tracking": "tracking", "note": "note"})
        else:
            return _done(order_id, _("The order’s status is saved."))
    return _show("console/order_step.html", form, found)


@blueprint.route("/orders/<uuid:order_id>/cancel", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def order_cancel(order_id: UUID) -> Page:
    """Ends an order that is not paid."""
    form = CancelForm()
    if request.method == "POST":
        try:
            ask.cancel_order(str(order_id), form.reason.data or "", form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"reason": "reason"})
        else:
            return _done(order_id, _("The order is cancelled."))
    return _show("console/order_cancel.html", form, ask.order(str(order_id)))


@blueprint.route("/orders/<uuid:order_id>/refund", methods=["GET", "POST"])
@requires(ORDERS_REFUND)
def order_refund(order_id: UUID) -> Page:
    """Notes money given back: all that is left, or a part of it."""
    form, found = RefundForm(), ask.order(str(order_id))
    left = found.paid_minor - found.refunded_minor
    online = next((payment.provider_name for payment in found.payments if payment.provider_name), "")
    if online:
        form.method.choices = [
            (BY_PROVIDER, _("By %(provider)s, which took the payment", provider=online)),
            *PAYMENT_METHODS,
        ]
    if request.method == "GET":
        form.amount.data = decimal_text(left, found.currency)
        form.method.data = BY_PROVIDER if online else form.method.data
    else:
        try:
            ask.refund_order(_refund(form, found), form.idempotency_key.data)
        except OnefoldError as error:
            fields = {"amount_minor": "amount", "method": "method", "reference": "reference", "reason": "reason"}
            refuse(form, error, fields)
        else:
            return _done(order_id, _("The refund is noted."))
    return _show(
        "console/order_refund.html", form, found, left=left, online=online, currency_symbol=symbol(found.currency)
    )


def _step(form: StepForm, order: Order) -> AdvanceOrderRequest:
    wish = AdvanceOrderRequest(order_id=order.order_id, tracking=form.tracking.data or "", note=form.note.data or "")
    wish.status = code_of(form.status.data)  # type: ignore[assignment]  # an open enum
    return wish


def _refund(form: RefundForm, order: Order) -> RefundOrderRequest:
    """The refund as typed. Raises InvalidInput."""
    amount = parse_amount(form.amount.data or "", order.currency, "amount_minor")
    if not amount:  # which would stand for the whole
        raise InvalidInput.of("amount_minor", "required")
    wish = RefundOrderRequest(
        order_id=order.order_id,
        amount_minor=amount,
        reference=form.reference.data or "",
        reason=form.reason.data or "",
    )
    wish.method = code_of(form.method.data)  # type: ignore[assignment]  # an open enum
    return wish


def _done(order_id: UUID, sentence: str) -> Page:
    flash(sentence, "good")
    return redirect(url_for("console.order", order_id=order_id))


def _show(template: str, form: Any, order: Order, **more: object) -> Page:
    page = render_template(template, area="orders", order=order, form=form, **more)
    return page, 422 if form.faulty else 200
