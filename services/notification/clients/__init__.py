"""Remote calls of the notification service: the mail server, and identity_merge for confirmation links."""

from services.notification.clients.identity_merge import Confirmations
from services.notification.clients.smtp import Connection, MailServer, MailServerAway, Refused, Undecided

__all__ = ["Confirmations", "Connection", "MailServer", "MailServerAway", "Refused", "Undecided"]
