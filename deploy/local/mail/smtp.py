"""The SMTP side of the mail catcher."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.mail.mailbox import Mailbox

LARGEST_MAIL = 10 * 1024 * 1024
# Addresses of these domains play a mail server that refuses, so that retries and failures can be seen and tested.
REFUSED_DOMAIN = "refused.example"
BUSY_DOMAIN = "busy.example"


class Handler:
    """Keeps every mail; a mail to BUSY_DOMAIN is put off once, one to REFUSED_DOMAIN refused for good."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._put_off: set[str] = set()

    async def handle_RCPT(  # noqa: N802 - the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answers to one recipient."""
        domain = address.rpartition("@")[2].casefold()
        if domain == REFUSED_DOMAIN:
            return "550 5.1.1 no such mailbox"
        if domain == BUSY_DOMAIN and address not in self._put_off:
            self._put_off.add(address)
            return "451 4.3.0 busy, try again"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the mail; the answer comes when it is in a file."""
        content = envelope.content or b""
        data = content if isinstance(content, bytes) else content.encode()
        self._mailbox.add(envelope.mail_from or "", [str(one) for one in envelope.rcpt_tos], data)
        return "250 2.0.0 kept"


def factory(mailbox: Mailbox) -> Callable[[], asyncio.BaseProtocol]:
    """Makes the protocol of each connection."""
    handler = Handler(mailbox)
    return lambda: SMTP(handler, data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="localhost", timeout=300)
