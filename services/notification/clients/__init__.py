"""Remote calls of the notification service: servers that take messages, and identity_merge for what is secret in them."""

from services.notification.clients.identity_merge import IssuedCode, Secrets
from services.notification.clients.lanes import Away, Lane, Refused, Undecided
from services.notification.clients.smtp import Connection, MailServer
from services.notification.clients.twilio import NoProvider, Twilio, TwilioLane

__all__ = [
    "Away",
    "Connection",
    "IssuedCode",
    "Lane",
    "MailServer",
    "NoProvider",
    "Refused",
    "Secrets",
    "Twilio",
    "TwilioLane",
    "Undecided",
]
