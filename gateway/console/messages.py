"""The log of messages: search, one message with its history, and what a person decides about one (G2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response
from wtforms import HiddenField, SelectField, StringField

from gateway.auth import requires
from gateway.clients import services
from gateway.console import labels, message_words
from gateway.console.forms import KeyedForm, PlainForm, version_of
from gateway.console.frame import Page, blueprint
from gateway.console.listed_logs import day_of, page_of, put_days
from gateway.console.problems import refuse, sentence_of
from gateway.console.wishes import Chip, Wishes
from onefold.common.v1.common_pb2 import PageRequest
from onefold.notification.v1 import service_pb2 as pb
from services.common.errors import InvalidInput, OnefoldError
from services.common.permissions import MEMBERS_READ, ORDERS_WRITE

_FIELDS = {"recipient": "q", "kinds": "kind", "channel": "channel", "states": "state", "since": "day_from"}
_FIELDS |= {
    "before": "day_to",
    "day_from": "day_from",
    "day_to": "day_to",
    "customer_id": "member",
    "order_id": "order",
}
_ONES = ("q", "kind", "channel", "state", "day_from", "day_to", "member", "order")
_DECISIONS = {"arrived": pb.MESSAGE_DECISION_ARRIVED, "send_again": pb.MESSAGE_DECISION_SEND_AGAIN}


class MessagesForm(PlainForm):
    """Search box and filters of the log of messages. Sent by GET."""

    class Meta:
        csrf = False

    q = StringField(_l("E-mail address or phone, whole or in part"))
    kind = SelectField(_l("Message"), validate_choice=False)
    channel = SelectField(_l("Sent by"), validate_choice=False)
    state = SelectField(_l("Status"), validate_choice=False)
    day_from = StringField(_l("From day"))
    day_to = StringField(_l("Up to day"))
    member = HiddenField()
    order = HiddenField()


class DecisionForm(KeyedForm):
    """A decision, and the state by which it was made. Which button was pressed says what."""

    attempts = HiddenField()


@dataclass(frozen=True, slots=True)
class MessageListing(Wishes):
    """A part of the log, as typed: parameter → values."""

    @classmethod
    def read(cls, sent: MultiDict[str, str]) -> MessageListing:
        """From an address."""
        return cls.taken(sent, _ONES, ())

    def message(self) -> pb.ListMessagesRequest:
        """For the service. Raises InvalidInput where a day cannot be read."""
        state = self.one("state")
        asked = pb.ListMessagesRequest(
            recipient=_recipient(self.one("q")),
            kinds=[self.one("kind")] if self.one("kind") else [],
            channel=self.one("channel"),
            states=[message_words.STATES.get(state, pb.MESSAGE_STATE_UNSPECIFIED)] if state else [],
            customer_id=self.one("member"),
            order_id=self.one("order"),
        )
        put_days(self, asked)
        return asked

    def chips(self) -> Iterator[Chip]:
        """What narrows the list beside the words in the box, each with the way to take it off."""
        for name, value in self.pairs():
            if name != "q":
                yield Chip(_words(name, value), self.without(name).address("console.messages"))


@blueprint.get("/messages")
@requires(MEMBERS_READ)
def messages() -> Page:
    """Newest first, by whom it went to, what it was, and what became of it."""
    listing, token = MessageListing.read(request.args), request.args.get("page", "").strip()
    form, found = MessagesForm(MultiDict(listing.pairs())), pb.ListMessagesResponse()
    form.kind.choices = [("", _("All messages")), *labels.MESSAGE_KIND.items()]
    form.channel.choices = [("", _("E-mail and SMS")), *message_words.CHANNELS.items()]
    form.state.choices = [("", _("Any status")), *((word, _state_words(word)) for word in message_words.STATES)]
    try:
        found, token = page_of(services().notifications.list_messages, listing.message(), token)
    except InvalidInput as error:
        refuse(form, error, _FIELDS)
    page = render_template(
        "console/messages.html",
        area="settings",
        form=form,
        listing=listing,
        chips=list(listing.chips()),
        messages=found.messages,
        outages=found.outages,
        next_token=found.next_page_token,
        later_page=bool(token),
    )
    return page, 422 if form.faulty else 200


@blueprint.get("/messages/<uuid:message_id>")
@requires(MEMBERS_READ)
def message(message_id: UUID) -> str:
    """One message: what became of it, and what can be done about it."""
    found = services().notifications.get_message(pb.GetMessageRequest(message_id=str(message_id)))
    return render_template(
        "console/message.html",
        area="settings",
        message=found.message,
        changes=found.changes,
        form=DecisionForm(MultiDict({"attempts": str(found.message.attempts)})),
    )


@blueprint.post("/messages/<uuid:message_id>/decide")
@requires(ORDERS_WRITE)
def decide_message(message_id: UUID) -> Response:
    """It arrived, or it is sent once more; a double click decides once (E7)."""
    form, word = DecisionForm(), request.form.get("decision", "")
    wish = pb.DecideMessageRequest(
        message_id=str(message_id),
        decision=_DECISIONS.get(word, pb.MESSAGE_DECISION_UNSPECIFIED),
        attempts=version_of(form.attempts.data),
    )
    try:
        services().notifications.decide_message(wish, key=form.idempotency_key.data)
    except OnefoldError as error:
        flash(sentence_of(error.reason, error.params), "bad")
    else:
        flash(_("The message is sent again.") if word == "send_again" else _("The message is noted as sent."), "good")
    return redirect(url_for("console.message", message_id=message_id))


def bounces_of(*recipients: str) -> list[pb.Message]:
    """The messages by which it is known that an address or a phone takes none: of each the newest that says anything, if it came back."""
    settled, newest = (pb.MESSAGE_STATE_SENT, pb.MESSAGE_STATE_FAILED), PageRequest(size=1)
    found: list[pb.Message] = []
    for recipient in filter(None, recipients):
        wish = pb.ListMessagesRequest(page=newest, recipient=recipient, whole_recipient=True, states=settled)
        found += services().notifications.list_messages(wish).messages
    return [message for message in found if message.cause in message_words.BOUNCES]


def _recipient(typed: str) -> str:
    """Numbers are kept without gaps, and typed with them."""
    compact = "".join(typed.split()).replace("-", "")
    return compact if compact.lstrip("+").isdecimal() else typed


def _state_words(word: str) -> str:
    return str(labels.MESSAGE_STATE[message_words.STATES[word]][0])


def _words(name: str, value: str) -> str:
    if name == "kind":
        return labels.words_of(labels.MESSAGE_KIND, value)
    if name == "channel":
        return labels.words_of(message_words.CHANNELS, value)
    if name == "state":
        return _state_words(value) if value in message_words.STATES else value
    if name == "member":
        return str(_("To one member"))
    if name == "order":
        return str(_("About one order"))
    day = day_of(value)
    return str(_("From %(day)s", day=day) if name == "day_from" else _("Up to %(day)s", day=day))


_FILTERS: dict[str, Callable[..., object]] = {
    "message_advice": message_words.advice,
    "message_cause": message_words.cause,
    "message_step": message_words.step,
}
for _name, _filter in _FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)
