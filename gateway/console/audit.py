"""The audit log: what everybody did, with its filters, and as a file (H1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import render_template, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, StringField

from gateway.audit import audit_csv
from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask, audit_words
from gateway.console.forms import PlainForm
from gateway.console.frame import Page, blueprint
from gateway.console.listed_logs import day_of, page_of, put_days
from gateway.console.problems import refuse
from gateway.console.wishes import Chip, Wishes
from onefold.identity_merge.v1 import audit_pb2 as pb
from services.common.errors import InvalidInput
from services.common.permissions import AUDIT_READ

_FIELDS = {"words": "q", "since": "day_from", "before": "day_to", "action": "action", "actor": "actor"}
_FIELDS |= {"subject_id": "subject", "day_from": "day_from", "day_to": "day_to"}


class AuditForm(PlainForm):
    """Search box and filters of the audit log. Sent by GET; who there is, the log knows."""

    class Meta:
        csrf = False

    q = StringField(_l("Order, field, value or id"))
    actor = SelectField(_l("By"), choices=(), validate_choice=False)
    action = SelectField(_l("Action"), choices=(), validate_choice=False)
    day_from = StringField(_l("From day"))
    day_to = StringField(_l("Up to day"))
    subject = HiddenField()


@dataclass(frozen=True, slots=True)
class AuditListing(Wishes):
    """A part of the log, as typed: parameter → values."""

    @classmethod
    def read(cls, sent: MultiDict[str, str]) -> AuditListing:
        """From an address."""
        return cls.taken(sent, ("q", "actor", "action", "subject", "day_from", "day_to"), ())

    def filter(self) -> pb.ListAuditEntriesRequest:
        """For the service. Raises InvalidInput where a day cannot be read."""
        asked = pb.ListAuditEntriesRequest(
            actor=self.one("actor"), action=self.one("action"), subject_id=self.one("subject"), words=self.one("q")
        )
        put_days(self, asked)
        return asked

    def chips(self, actors: dict[str, str]) -> Iterator[Chip]:
        """What narrows the list beside the words in the box, each with the way to take it off."""
        for name, value in self.pairs():
            if name != "q":
                yield Chip(_words(name, value, actors), self.without(name).address("console.audit_log"))


@blueprint.get("/audit")
@requires(AUDIT_READ)
def audit_log() -> Page:
    """Newest first, by who, what, when, and words."""
    listing, token = AuditListing.read(request.args), request.args.get("page", "").strip()
    form, found = AuditForm(MultiDict(listing.pairs())), pb.ListAuditEntriesResponse()
    actors = {each.actor: each.name for each in _actors()}
    form.actor.choices = [("", _("Everybody")), *actors.items(), ("operator", "Onefold")]
    form.action.choices = _actions()
    try:
        found, token = page_of(services().audit.list_entries, listing.filter(), token)
    except InvalidInput as error:
        refuse(form, error, _FIELDS)
    page = render_template(
        "console/audit.html",
        area="settings",
        form=form,
        listing=listing,
        chips=list(listing.chips(actors)),
        entries=found.entries,
        next_token=found.next_page_token,
        later_page=bool(token),
    )
    return page, 422 if form.faulty else 200


@blueprint.get("/audit/export.csv")
@requires(AUDIT_READ)
def export_audit_log() -> Response:
    """The whole list as CSV."""
    return audit_csv(AuditListing.read(request.args).filter())


def _actors() -> list[pb.AuditActor]:
    return list(services().audit.list_actors(pb.ListAuditActorsRequest()).actors)


def _actions() -> list[tuple[str, str]]:
    """Everything done to one kind of thing, and each deed by itself."""
    choices = [("", str(_("Everything")))]
    for thing, (name, deeds) in audit_words.ACTIONS.items():
        if len(deeds) > 1:
            choices.append((f"{thing}.", str(_("%(things)s: everything", things=name))))
        choices += [(f"{thing}.{deed}", f"{name}: {words}") for deed, words in deeds.items()]
    return choices


def _words(name: str, value: str, actors: dict[str, str]) -> str:
    if name == "actor":
        return str(_("By %(name)s", name=actors.get(value) or ask.actor(value)))
    if name == "action":
        return dict(_actions()).get(value, value)
    if name == "subject":
        return str(_("One thing only"))
    day = day_of(value)
    return str(_("From %(day)s", day=day) if name == "day_from" else _("Up to %(day)s", day=day))


def _who(entry: pb.AuditEntry) -> str:
    return entry.actor_name or ask.actor(entry.actor)


_FILTERS: dict[str, Callable[..., object]] = {
    "audit_action": audit_words.action,
    "audit_field": audit_words.field,
    "audit_link": audit_words.link_of,
    "audit_page": audit_words.page_of,
    "audit_subject": audit_words.subject,
    "audit_value": audit_words.value,
    "audit_who": _who,
    "audit_worded": audit_words.is_worded,
}
for _name, _filter in _FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
