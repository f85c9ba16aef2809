"""Webhooks: endpoints, their secrets, what went to them, and sending it once more (H4)."""

from __future__ import annotations

from uuid import UUID

import orjson
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response
from wtforms import BooleanField, RadioField, SelectMultipleField, StringField

from gateway.auth import requires
from gateway.clients import services
from gateway.console.forms import KeyedForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, sentence_of
from gateway.console.webhook_words import DELIVERY_STATE, EVENT_TYPES, STATES, TEST, event_type, is_event_type
from gateway.errors import http_status
from onefold.common.v1.common_pb2 import PageRequest
from onefold.notification.v1 import webhooks_pb2 as pb
from services.common.errors import OnefoldError
from services.common.permissions import WEBHOOKS_WRITE

_FIELDS = {"url": "url", "description": "description", "event_types": "event_types"}
_ALL, _SOME = "all", "some"


class WebhookForm(KeyedForm):
    """An endpoint. What is right about an address and which types there are, the service says."""

    url = StringField(_l("Web address"))
    description = StringField(_l("Description"))
    every = RadioField(
        _l("What it hears of"),
        choices=((_ALL, _l("Every event, also types that are added later")), (_SOME, _l("Only these:"))),
        default=_ALL,
        validate_choice=False,
    )
    event_types = SelectMultipleField(_l("Types of events"), choices=(), validate_choice=False)
    enabled = BooleanField(_l("Enabled"), default=True)

    @property
    def types(self) -> list[str]:
        """As the service takes them: none are all. Some without one is a type that does not exist."""
        if self.every.data == _ALL:
            return []
        return self.event_types.data or [""]


@blueprint.get("/settings/webhooks")
@requires(WEBHOOKS_WRITE)
def webhooks() -> str:
    """All endpoints, the oldest first."""
    found = services().webhooks.list(pb.ListWebhooksRequest())
    return render_template("console/webhooks.html", area="settings", webhooks=found.webhooks)


@blueprint.route("/settings/webhooks/new", methods=["GET", "POST"])
@requires(WEBHOOKS_WRITE)
def new_webhook() -> Page:
    """Adds an endpoint; the answer shows its secret, this once."""
    form = WebhookForm()
    if not form.is_submitted():
        return _form_page(form)
    wish = pb.CreateWebhookRequest(
        url=form.url.data or "", description=form.description.data or "", event_types=form.types
    )
    try:
        made = services().webhooks.create(wish, key=form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, _FIELDS)
        return _form_page(form), http_status(error)
    return _secret_page(made.webhook, made.secret)


@blueprint.route("/settings/webhooks/<uuid:webhook_id>/edit", methods=["GET", "POST"])
@requires(WEBHOOKS_WRITE)
def edit_webhook(webhook_id: UUID) -> Page:
    """Another address, other types, or its state."""
    webhook = _webhook(webhook_id)
    form = WebhookForm(
        url=webhook.url,
        description=webhook.description,
        every=_SOME if webhook.event_types else _ALL,
        event_types=list(webhook.event_types),
        enabled=not webhook.disabled_because,
    )
    if not form.is_submitted():
        return _form_page(form, webhook)
    try:
        _change(webhook_id, form.url.data or "", form.description.data or "", form.types, form.enabled.data, form)
    except OnefoldError as error:
        refuse(form, error, _FIELDS)
        return _form_page(form, webhook), http_status(error)
    flash(_("The webhook is changed."), "good")
    return redirect(url_for("console.webhook", webhook_id=webhook_id))


@blueprint.get("/settings/webhooks/<uuid:webhook_id>")
@requires(WEBHOOKS_WRITE)
def webhook(webhook_id: UUID) -> str:
    """How an endpoint fares, and what went to it in the last 30 days."""
    state, kind, token = (request.args.get(name, "") for name in ("state", "type", "page"))
    kind = kind if is_event_type(kind) else ""
    found = services().webhooks.list_deliveries(
        pb.ListDeliveriesRequest(
            webhook_id=str(webhook_id),
            state=STATES.get(state, pb.DELIVERY_STATE_UNSPECIFIED),
            type=kind,
            page=PageRequest(token=token),
        )
    )
    filters = {"state": state if state in STATES else None, "type": kind or None}
    return render_template(
        "console/webhook.html",
        area="settings",
        webhook=_webhook(webhook_id),
        deliveries=found.deliveries,
        filters=filters,
        states=[(word, DELIVERY_STATE[code][0]) for word, code in STATES.items()],
        types=EVENT_TYPES,
        test=TEST,
        next_token=found.next_page_token,
        later_page=bool(token),
        form=KeyedForm(formdata=None),
    )


@blueprint.post("/settings/webhooks/<uuid:webhook_id>/<any(test, enable, replay):what>")
@requires(WEBHOOKS_WRITE)
def tend_webhook(webhook_id: UUID, what: str) -> Response:
    """A test; an endpoint that was mended; what has failed once more."""
    form, here = KeyedForm(), str(webhook_id)
    try:
        if what == "test":
            services().webhooks.test(pb.TestWebhookRequest(webhook_id=here), key=form.idempotency_key.data)
            flash(_("The test is on its way. Reload to see what became of it."), "good")
        elif what == "enable":
            was = _webhook(webhook_id)
            _change(webhook_id, was.url, was.description, list(was.event_types), True, form)
            flash(_("The webhook is enabled. What failed meanwhile can be sent once more."), "good")
        else:
            _replay_failed(here, form)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    return redirect(url_for("console.webhook", webhook_id=webhook_id))


def _replay_failed(webhook_id: str, form: KeyedForm) -> None:
    """All that has failed and is still kept."""
    wish = pb.ReplayFailedRequest(webhook_id=webhook_id)
    wish.since.FromSeconds(0)
    found = services().webhooks.replay_failed(wish, key=form.idempotency_key.data)
    said = ngettext("One delivery is sent once more.", "%(num)d deliveries are sent once more.", found.deliveries)
    flash(said if found.deliveries else _("Nothing has failed."), "good")


@blueprint.route("/settings/webhooks/<uuid:webhook_id>/<any(rotate, remove):what>", methods=["GET", "POST"])
@requires(WEBHOOKS_WRITE)
def change_webhook(webhook_id: UUID, what: str) -> Page:
    """Another secret, which this page then shows once, or the end: asked first, for programs may stop."""
    form = KeyedForm()
    if not form.is_submitted():
        return render_template(
            "console/webhook_sure.html", area="settings", webhook=_webhook(webhook_id), what=what, form=form
        )
    if what == "rotate":
        made = services().webhooks.rotate(pb.RotateWebhookSecretRequest(webhook_id=str(webhook_id)))
        return _secret_page(made.webhook, made.secret)
    services().webhooks.remove(pb.RemoveWebhookRequest(webhook_id=str(webhook_id)))
    flash(_("The webhook is removed."), "good")
    return redirect(url_for("console.webhooks"))


@blueprint.get("/settings/webhooks/deliveries/<uuid:delivery_id>")
@requires(WEBHOOKS_WRITE)
def webhook_delivery(delivery_id: UUID) -> str:
    """One delivery: what was sent, each attempt, and the button to send it once more."""
    found = services().webhooks.get_delivery(pb.GetDeliveryRequest(delivery_id=str(delivery_id)))
    body = orjson.dumps(orjson.loads(found.delivery.payload or "{}"), option=orjson.OPT_INDENT_2).decode()
    return render_template(
        "console/webhook_delivery.html",
        area="settings",
        delivery=found.delivery,
        attempts=found.attempts,
        body=body,
        title=event_type(found.delivery.type),
        form=KeyedForm(formdata=None),
    )


@blueprint.post("/settings/webhooks/deliveries/<uuid:delivery_id>/replay")
@requires(WEBHOOKS_WRITE)
def replay_webhook_delivery(delivery_id: UUID) -> Response:
    """Sends a delivery once more."""
    wish = pb.ReplayDeliveryRequest(delivery_id=str(delivery_id))
    try:
        services().webhooks.replay_delivery(wish, key=KeyedForm().idempotency_key.data)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The delivery is sent once more. Reload to see what became of it."), "good")
    return redirect(url_for("console.webhook_delivery", delivery_id=delivery_id))


def _webhook(webhook_id: UUID) -> pb.Webhook:
    return services().webhooks.get(pb.GetWebhookRequest(webhook_id=str(webhook_id))).webhook


def _change(
    webhook_id: UUID, url: str, description: str, event_types: list[str], enabled: bool, form: KeyedForm
) -> None:
    wish = pb.ChangeWebhookRequest(
        webhook_id=str(webhook_id), url=url, description=description, event_types=event_types, enabled=enabled
    )
    services().webhooks.change(wish, key=form.idempotency_key.data)


def _form_page(form: WebhookForm, webhook: pb.Webhook | None = None) -> str:
    return render_template(
        "console/webhook_edit.html", area="settings", form=form, webhook=webhook, offered=EVENT_TYPES
    )


def _secret_page(webhook: pb.Webhook, secret: str) -> str:
    return render_template("console/webhook_secret.html", area="settings", webhook=webhook, secret=secret)
