"""Remote calls of the notification service: the mail server, and identity_merge for confirmation links and codes."""

from services.notification.clients.identity_merge import Secrets
from services.notification.clients.smtp import Connection, MailServer, MailServerAway, Refused, Undecided

__all__ = ["Connection", "MailServer", "MailServerAway", "Refused", "Secrets", "Undecided"]
