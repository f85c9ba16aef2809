"""Payments that need a look, refunds that a provider did not make, and how payment providers are set up (E1)."""

from __future__ import annotations

from uuid import UUID

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, StringField

from gateway.auth import requires
from gateway.console import ask_payments, labels
from gateway.console.forms import KeyedForm, code_of
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, sentence_of
from onefold.orders.v1 import payments_pb2 as pb
from services.common.errors import InvalidInput, OnefoldError
from services.common.permissions import ORDERS_READ, ORDERS_REFUND, PAYMENTS_WRITE

KINDS = {"stripe": pb.PROVIDER_KIND_STRIPE, "test": pb.PROVIDER_KIND_TEST}
_FIELDS = {name: name for name in ("name", "api_key", "webhook_secret")}


class SettleForm(KeyedForm):
    """What was done about a payment. Which button was pressed says whether the money goes back."""

    note = StringField(_l("What was done"))


class ProviderForm(KeyedForm):
    """A provider as the store wants it. Secrets are written and never shown; left empty, they stay."""

    name = StringField(_l("Name for customers"))
    api_key = PasswordField(_l("Secret key"))
    webhook_secret = PasswordField(_l("Webhook signing secret"))
    active = BooleanField(_l("Customers pay here"))


@blueprint.get("/payments")
@requires(ORDERS_READ)
def payments() -> str:
    """Money that came and fits no order, refunds that failed: until somebody has looked."""
    token = request.args.get("page", "")
    found = ask_payments.notices(token)
    return render_template(
        "console/payments.html",
        area="orders",
        notices=found.notices,
        next_token=found.next_page_token,
        later_page=bool(token),
        form=SettleForm(formdata=None),
    )


@blueprint.post("/payments/<uuid:notice_id>/settle")
@requires(ORDERS_REFUND)
def settle_payment(notice_id: UUID) -> Response:
    """Somebody has looked: with a note alone, or by giving the money back."""
    form, how = SettleForm(), code_of(request.form.get("settlement"))
    try:
        ask_payments.settle(str(notice_id), how, form.note.data or "", form.idempotency_key.data)
    except InvalidInput:
        flash(_("Write what was done, then settle the payment."), "bad")
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        given_back = how == pb.SETTLEMENT_GIVEN_BACK
        flash(
            _("The provider is asked to give the money back.") if given_back else _("The payment is settled."), "good"
        )
    return redirect(url_for("console.payments"))


@blueprint.post("/orders/<uuid:order_id>/refunds/<uuid:refund_id>/retry")
@requires(ORDERS_REFUND)
def retry_refund(order_id: UUID, refund_id: UUID) -> Response:
    """Asks the provider once more for a refund that failed."""
    try:
        ask_payments.retry_refund(str(order_id), str(refund_id), KeyedForm().idempotency_key.data)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The provider is asked once more."), "good")
    return redirect(url_for("console.order", order_id=order_id))


@blueprint.get("/payments/settings")
@requires(PAYMENTS_WRITE)
def payment_settings() -> str:
    """The providers that can be set up here."""
    words = {kind: word for word, kind in KINDS.items()}
    return render_template(
        "console/payment_settings.html",
        area="orders",
        providers=[(words[each.kind], each) for each in ask_payments.providers() if each.kind in words],
    )


@blueprint.route("/payments/settings/<word>", methods=["GET", "POST"])
@requires(PAYMENTS_WRITE)
def payment_provider(word: str) -> Page:
    """One provider: its keys, its name for customers, where it sends notices."""
    provider = _provider(word)
    form = ProviderForm()
    if request.method == "GET":
        form.name.data = provider.name or str(labels.words_of(labels.PROVIDER_KIND, provider.kind))
        form.active.data = provider.active or not provider.has_api_key
    else:
        try:
            ask_payments.set_provider(_wish(form, provider), form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, _FIELDS)
        else:
            flash(_("The payment provider is saved."), "good")
            return redirect(url_for("console.payment_provider", word=word))
    address = f"{current_app.config['PUBLIC_URL']}/webhooks/payments/{provider.provider_id}"
    page = render_template(
        "console/payment_provider.html", area="orders", word=word, provider=provider, form=form, webhook=address
    )
    return page, 422 if form.faulty else 200


@blueprint.post("/payments/settings/<word>/test")
@requires(PAYMENTS_WRITE)
def test_provider(word: str) -> Response:
    """Whether the provider takes the key that is kept."""
    try:
        ask_payments.test_provider(_provider(word).kind)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The provider takes the key."), "good")
    return redirect(url_for("console.payment_provider", word=word))


def _provider(word: str) -> pb.Provider:
    """Aborts (404) for what is not offered here."""
    found = next((each for each in ask_payments.providers() if each.kind == KINDS.get(word)), None)
    return found or abort(404)


def _wish(form: ProviderForm, provider: pb.Provider) -> pb.SetProviderRequest:
    return pb.SetProviderRequest(
        kind=provider.kind,
        name=form.name.data or "",
        active=form.active.data,
        api_key=form.api_key.data or "",
        webhook_secret=form.webhook_secret.data or "",
    )
