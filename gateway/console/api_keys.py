"""API keys: what there is, a new one, another secret, the end of one (H4)."""

from __future__ import annotations

from uuid import UUID

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import RadioField, SelectMultipleField, StringField

from gateway import roles
from gateway.auth import requires
from gateway.clients import services
from gateway.console.forms import KeyedForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from gateway.errors import http_status
from gateway.exports import pages_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import keys_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import ApiKey, CreateApiKeyRequest
from services.common import clock
from services.common.errors import OnefoldError
from services.common.paging import LARGEST_SIZE
from services.common.permissions import API_KEYS_WRITE, SCOPES

_DAYS = (("30", _l("30 days")), ("90", _l("90 days")), ("365", _l("A year")), ("0", _l("Until it is revoked")))
_FIELDS = {"name": "name", "scopes": "scopes", "valid_days": "valid_days"}


class KeyForm(KeyedForm):
    """A key to be made. Which scopes there are, the service says."""

    name = StringField(_l("Key name"))
    scopes = SelectMultipleField(_l("What it may do"), choices=(), validate_choice=False)
    valid_days = RadioField(_l("Good for"), choices=_DAYS, default="90", validate_choice=False)


@blueprint.get("/settings/api-keys")
@requires(API_KEYS_WRITE)
def api_keys() -> str:
    """Keys that are not revoked, newest first."""
    token = request.args.get("page", "")
    found = services().api_keys.list(pb.ListApiKeysRequest(page=PageRequest(token=token)))
    return render_template(
        "console/api_keys.html",
        area="settings",
        keys=found.api_keys,
        next_token=found.next_page_token,
        later_page=bool(token),
        in_words=roles.in_words,
        now=int(clock.now().timestamp()),
    )


@blueprint.route("/settings/api-keys/new", methods=["GET", "POST"])
@requires(API_KEYS_WRITE)
def new_api_key() -> Page:
    """Makes a key; the answer shows its secret, this once."""
    form = KeyForm()
    if not form.is_submitted():
        return _form_page(form)
    days = form.valid_days.data or ""
    wish = CreateApiKeyRequest(
        name=form.name.data or "",
        scopes=form.scopes.data or (),
        valid_days=int(days) if days in {value for value, _words in _DAYS} else -1,
    )
    try:
        made = services().access.create_api_key(wish, key=form.idempotency_key.data)
    except OnefoldError as error:
        refuse(form, error, _FIELDS)
        return _form_page(form), http_status(error)
    return _secret_page(made.api_key, made.secret)


def _form_page(form: KeyForm) -> str:
    offered = [
        (group, {word: said for word, said in words.items() if word in SCOPES}) for group, words in roles.PERMISSIONS
    ]
    return render_template("console/api_key_new.html", area="settings", form=form, offered=offered)


def _secret_page(key: ApiKey, secret: str, *, rotated: bool = False) -> str:
    return render_template("console/api_key_secret.html", area="settings", key=key, secret=secret, rotated=rotated)


@blueprint.route("/settings/api-keys/<uuid:key_id>/<any(rotate, revoke):what>", methods=["GET", "POST"])
@requires(API_KEYS_WRITE)
def change_api_key(key_id: UUID, what: str) -> Page:
    """Another secret, which this page then shows once, or the key's end: asked first, for programs may stop. Raises NotFound."""
    form = KeyedForm()
    if not form.is_submitted():
        return render_template(
            "console/api_key_sure.html", area="settings", key=_key(str(key_id)), what=what, form=form
        )
    if what == "rotate":
        made = services().api_keys.rotate(pb.RotateApiKeyRequest(api_key_id=str(key_id)))
        made.api_key.old_secret_until.CopyFrom(made.old_secret_until)
        return _secret_page(made.api_key, made.secret, rotated=True)
    services().api_keys.revoke(pb.RevokeApiKeyRequest(api_key_id=str(key_id)))
    flash(_("The key is revoked. Within a second nothing is opened by it any more."), "good")
    return redirect(url_for("console.api_keys"))


def _key(key_id: str) -> ApiKey:
    """Aborts (404) for a key that is not there, or revoked."""
    wish = pb.ListApiKeysRequest(page=PageRequest(size=LARGEST_SIZE))
    pages = pages_of(services().api_keys.list, wish, lambda answer: answer.api_keys)
    found = next((key for page in pages for key in page if key.api_key_id == key_id), None)
    return found or abort(404)
