"""How the store's messages look, with a preview beside the form; and every kind of message with made-up contents (G1, G3)."""

from __future__ import annotations

from flask import Response, current_app, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, FileField, StringField
from wtforms.widgets import ColorInput

from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask, labels
from gateway.console.forms import KeyedForm, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse
from onefold.notification.v1 import look_pb2 as pb
from services.common.errors import OnefoldError
from services.common.ids import new_id
from services.common.permissions import LOOK_WRITE, MEMBERS_READ

# That of Onefold itself, for a store that has not chosen.
USUAL_ACCENT = "#0b5d5b"
_FIELDS = {
    "look.accent": "accent",
    "look.reply_to": "reply_to",
    "look.postal_address": "postal_address",
    "logo": "logo",
}
_LANGUAGES = {"en": "English", "zh-Hant": "繁體中文"}
# A mail brings its styles along and loads its logo; nothing in it may run, send or leave its frame.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src {origin}; frame-ancestors 'self'; sandbox"


class LookForm(KeyedForm):
    """The look as typed; `version` is the one that its editor saw."""

    accent = StringField(_l("Colour of buttons and links"), widget=ColorInput())
    reply_to = StringField(_l("Answers go to"))
    postal_address = StringField(_l("Postal address in the last line"))
    logo = FileField(_l("Logo"))
    remove_logo = BooleanField(_l("Take the logo away"))
    version = StringField()


@blueprint.route("/settings/look", methods=["GET", "POST"])
@requires(LOOK_WRITE)
def look() -> Page:
    """Colour, logo, where answers go; saved for all messages from now on."""
    form, saved = LookForm(), services().looks.get(pb.GetLookRequest()).look
    if request.method == "POST":
        try:
            services().looks.save(_wish(form), key=form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, _FIELDS)
            form.idempotency_key.data = str(new_id())  # another file is another request
        else:
            flash(_("The look of messages is saved."), "good")
            return redirect(url_for("console.look"))
    else:
        form.accent.data = saved.accent or USUAL_ACCENT
        form.reply_to.data, form.postal_address.data = saved.reply_to, saved.postal_address
        form.version.data = str(saved.version)
    page = render_template("console/look.html", area="settings", form=form, saved=saved, language=_language())
    return page, 422 if form.faulty else 200


@blueprint.get("/messages/templates")
@requires(MEMBERS_READ)
def message_templates() -> str:
    """One kind of message as it would be sent, in either language: the mail as HTML and as text, and the SMS."""
    language = _language()
    shown = services().looks.preview(_asked(language))
    return render_template(
        "console/message_templates.html",
        area="settings",
        shown=shown,
        samples=[(name, _sample_words(name)) for name in shown.samples],
        languages=_LANGUAGES,
        language=language,
    )


@blueprint.get("/messages/templates/mail.html")
@requires(MEMBERS_READ)
def message_preview() -> Response:
    """The mail itself, for a frame that runs nothing; with a look that is only tried, where the address names one."""
    asked = _asked(_language())
    if "accent" in request.args:
        asked.look.accent = request.args["accent"]
        asked.look.postal_address = request.args.get("postal_address", "")
    answer = make_response(services().looks.preview(asked).html)
    answer.headers["Content-Security-Policy"] = _MAIL_POLICY.format(origin=current_app.config["PUBLIC_URL"])
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    return answer


def _asked(language: str) -> pb.PreviewMessageRequest:
    return pb.PreviewMessageRequest(sample=request.args.get("sample", ""), language=language)


def _language() -> str:
    wanted = request.args.get("in", "")
    return wanted if wanted in _LANGUAGES else "zh-Hant" if ask.locale().startswith("zh") else "en"


def _wish(form: LookForm) -> pb.SaveLookRequest:
    wish = pb.SaveLookRequest(
        look=pb.Look(
            accent="" if form.accent.data == USUAL_ACCENT else form.accent.data or "",
            reply_to=form.reply_to.data or "",
            postal_address=form.postal_address.data or "",
        ),
        remove_logo=form.remove_logo.data,
        expected_version=version_of(form.version.data),
    )
    if form.logo.data and form.logo.data.filename:
        wish.logo = form.logo.data.stream.read()
    return wish


def _sample_words(name: str) -> str:
    """What a sample is called: its kind, and what is special about it."""
    kind, _point, special = name.partition(".")
    words = labels.words_of(labels.MESSAGE_KIND, kind)
    return f"{words}: {labels.words_of(SPECIALS, special)}" if special else words


SPECIALS = {
    "unpaid": _l("not paid yet"),
    "cancelled": _l("cancelled"),
    "refunded": _l("refunded"),
    "log_in": _l("to log in"),
    "register": _l("to register"),
    "add": _l("to add an address or phone"),
    "refused": _l("cannot be used any more"),
    "password_set": _l("password set"),
    "login_added": _l("way to log in added"),
    "sessions_ended": _l("logged out elsewhere"),
    "gone": _l("answered that it is gone"),
}
