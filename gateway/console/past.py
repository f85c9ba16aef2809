"""A person's past, in words (F13)."""

from __future__ import annotations

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from gateway.auth import requires
from gateway.console import ask, labels
from gateway.console.frame import Page, blueprint
from gateway.reasons import sentence_of
from gateway.timeline import Event, timeline
from services.common.permissions import MEMBERS_READ

EVENTS_AT_ONCE = 25
SHOWN_BESIDE = 8


@blueprint.get("/members/<uuid:customer_id>/timeline")
@requires(MEMBERS_READ)
def member_timeline(customer_id: UUID) -> Page:
    """Everything that is known to have happened, page by page."""
    found = ask.customer(str(customer_id))
    if found.customer_id != str(customer_id):
        return redirect(url_for("console.member_timeline", customer_id=found.customer_id))
    token = request.args.get("page", "")
    past = timeline(found, EVENTS_AT_ONCE, token)
    return render_template("console/timeline.html", area="members", member=found, past=past, later_page=bool(token))


def words(event: Event) -> str:
    """What happened, as a sentence without its subject."""
    if event.kind == "points":
        return labels.words_of(labels.POINTS_REASON, event.reason)
    if event.kind == "level_changed":
        return str(_("Level is now %(level)s", level=event.text) if event.text else _("No level any more"))
    return labels.words_of(labels.EVENT, event.kind)


def details(event: Event) -> str:
    """More about it, for the line below; empty where the words say all."""
    if event.kind == "phone_changed":
        return str(_("Consent given: %(way)s", way=labels.words_of(labels.CONSENT_GIVEN, event.text)))
    if event.kind == "guest_orders_joined":
        return _joined(*event.text.partition(",")[::2])
    if event.kind in ("consent_given", "consent_withdrawn"):
        return labels.words_of(labels.FIELD, event.text)
    if event.kind == "profile_changed":
        return ", ".join(labels.words_of(labels.FIELD, name) for name in event.text.split(","))
    if event.kind in ("deletion_refused", "erasure_refused"):
        return sentence_of(event.text)
    if event.kind == "login_confirmed_phone" or event.by_sms:
        return ask.phone(event.text)
    return "" if event.kind in ("level_changed", "merged") else event.text


def _joined(kind: str, count: str) -> str:
    number = int(count) if count.isdecimal() else 0
    words = {
        "phone": ngettext(
            "%(num)s order, after the phone was proved", "%(num)s orders, after the phone was proved", number
        ),
        "email": ngettext(
            "%(num)s order, after the e-mail was proved", "%(num)s orders, after the e-mail was proved", number
        ),
    }
    return labels.words_of(words, kind)


def known_by(event: Event, member: object) -> str:
    """The name of the merged account to which it happened; empty where it is the account itself."""
    merged = {each.customer_id: each.name or _("No name") for each in getattr(member, "merged_accounts", ())}
    return "" if event.kind == "merged" else merged.get(event.customer_id, "")


for _name, _filter in (("event_words", words), ("event_details", details), ("event_from", known_by)):
    blueprint.add_app_template_filter(_filter, _name)
