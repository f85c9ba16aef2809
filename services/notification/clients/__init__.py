"""Remote calls of the notification service: servers that take messages, identity_merge for what is secret in them, and webhooks."""

from services.notification.clients.identity_merge import IssuedCode, Owner, Secrets
from services.notification.clients.lanes import Away, Lane, Refused, Undecided
from services.notification.clients.smtp import Connection, MailServer
from services.notification.clients.twilio import NoProvider, Twilio, TwilioLane
from services.notification.clients.webhooks import Receivers, Resolver, Targets

__all__ = [
    "Away",
    "Connection",
    "IssuedCode",
    "Lane",
    "MailServer",
    "NoProvider",
    "Owner",
    "Receivers",
    "Refused",
    "Resolver",
    "Secrets",
    "Targets",
    "Twilio",
    "TwilioLane",
    "Undecided",
]
