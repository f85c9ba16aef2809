"""Words for what became of a message, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from gateway.console import labels
from onefold.notification.v1 import service_pb2 as pb


@dataclass(frozen=True, slots=True)
class Cause:
    """What was wrong, and what to do; "" where there is nothing to be done."""

    what: LazyString
    advice: LazyString | str = ""


_ADDRESS = _l("Check the address with the customer, correct it, and send the message again.")
_NUMBER = _l("Check the number with the customer.")
CAUSES: dict[str, Cause] = {
    "address_unknown": Cause(_l("There is no mailbox with this address."), _ADDRESS),
    "domain_unknown": Cause(_l("What follows the @ in this address takes no e-mail."), _ADDRESS),
    "mailbox_disabled": Cause(_l("The mailbox is closed."), _l("Reach the customer another way.")),
    "address_unsupported": Cause(
        _l("The mail server cannot deliver to addresses with such letters."),
        _l("Ask the customer for another address."),
    ),
    "number_unknown": Cause(_l("There is no phone with this number."), _NUMBER),
    "not_a_mobile": Cause(_l("The number is not a mobile phone, or its network takes no SMS."), _NUMBER),
    "opted_out": Cause(
        _l("The phone refuses messages from this sender."),
        _l("Its owner has answered STOP, or the network blocks it. Only the owner can undo that."),
    ),
    "mailbox_full": Cause(_l("The mailbox is full."), _l("Send the message again in a few days.")),
    "unreachable": Cause(_l("The phone could not be reached."), _l("It may be off or without a network.")),
    "spam": Cause(
        _l("The mail server refused the message as unwanted."),
        _l("If this happens to many customers, have the sender’s domain checked: SPF, DKIM and DMARC."),
    ),
    "too_large": Cause(_l("The message was too large for the mailbox.")),
    "country_not_served": Cause(
        _l("No SMS are sent to phones of this country."),
        _l("The SMS provider’s settings say which countries are allowed."),
    ),
    "refused": Cause(_l("The server refused the message."), _l("Its own words are below.")),
    "server_away": Cause(_l("The server could not be reached."), _l("The message is tried again by itself.")),
    "server_busy": Cause(_l("The server had no time for the message."), _l("The message is tried again by itself.")),
    "no_provider": Cause(_l("No SMS provider is set up."), _l("Whoever runs this installation can set one up.")),
    "unwritable": Cause(_l("No message can be written to this address."), _ADDRESS),
    "part_away": Cause(_l("A part of Onefold was away."), _l("The message is tried again by itself.")),
    "fault": Cause(_l("Something went wrong on our side."), _l("The message is tried again by itself.")),
    "no_answer": Cause(_l("The server took the message and did not say whether it keeps it.")),
    "sender_died": Cause(_l("Sending was cut off while the server had the message.")),
    "not_needed": Cause(_l("It was confirmed, withdrawn or expired in the meantime.")),
    "unsubscribed": Cause(_l("Whoever has this address wants no offers or invitations from the store.")),
    "history": Cause(_l("The order is of long ago and was brought from elsewhere; nobody expects an e-mail about it.")),
}
# What became of it, as an entry of its history.
STEPS: dict[int, LazyString] = {
    pb.MESSAGE_STATE_QUEUED: _l("An attempt failed; it is tried again"),
    pb.MESSAGE_STATE_SENT: _l("Said to have arrived"),
    pb.MESSAGE_STATE_FAILED: _l("Given up"),
    pb.MESSAGE_STATE_UNKNOWN: _l("Whether it was sent is not known"),
    pb.MESSAGE_STATE_CANCELLED: _l("Not needed any more"),
}
STATES = {
    "queued": pb.MESSAGE_STATE_QUEUED,
    "sending": pb.MESSAGE_STATE_SENDING,
    "sent": pb.MESSAGE_STATE_SENT,
    "failed": pb.MESSAGE_STATE_FAILED,
    "unknown": pb.MESSAGE_STATE_UNKNOWN,
    "cancelled": pb.MESSAGE_STATE_CANCELLED,
}
CHANNELS = {"email": _l("E-mail"), "sms": _l("SMS")}
# As notification has them (domain/causes.py): writing there is of no use until somebody mends it.
BOUNCES = frozenset(
    {
        "address_unknown",
        "domain_unknown",
        "mailbox_disabled",
        "address_unsupported",
        "number_unknown",
        "not_a_mobile",
        "opted_out",
    }
)


def cause(word: str) -> str:
    """What was wrong; a word of a later release says so in general."""
    return str(CAUSES[word].what) if word in CAUSES else str(_l("Something went wrong on the way.")) if word else ""


def advice(word: str) -> str:
    """What can be done about it."""
    return str(CAUSES[word].advice) if word in CAUSES else ""


def step(change: pb.MessageChange) -> str:
    """An entry of a message's history."""
    if change.state == pb.MESSAGE_STATE_QUEUED and change.actor:
        return str(_l("Sent again"))
    if change.state == pb.MESSAGE_STATE_SENT and not change.actor:
        return str(_l("The provider has it"))
    return labels.words_of(STEPS, change.state)
