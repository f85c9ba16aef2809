"""SMTP in the steps that matter here: what is certain before the mail's last line goes out, and what is not afterwards.

A connection is kept and used again. Trouble that concerns the server or our account with it (connection, login, sender refused) is
Away and never a fault of the message; an answer to the recipient or the content is Refused; silence or a lost
connection after the content went out is Undecided, for then the server may have the mail.
"""

from __future__ import annotations

import contextlib
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from aiosmtplib import SMTP, SMTPException, SMTPRecipientRefused, SMTPResponse, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from services.common import telemetry
from services.common.config import ConfigError
from services.notification.clients.lanes import Away, Refused, Undecided
from services.notification.domain import Mail, of_smtp

# RFC 5321 asks for patience with the answer to the content: giving up early is how mails come to be sent twice.
LAST_ANSWER_FACTOR = 3
_STARTS_WITH_DOT = re.compile(rb"(?m)^\.")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_SERVICE_CLOSING = 421
_SEND_CONTENT = 354


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail goes. `seconds` is the patience with each command."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool
    starttls: bool
    seconds: float

    @property
    def longest_step(self) -> float:
        """Seconds; longer than any step between two commits can take."""
        return self.seconds * (LAST_ANSWER_FACTOR + 3)

    @classmethod
    def parse(cls, url: str, seconds: float) -> MailServer:
        """Reads smtp://[user:password@]host[:port][?starttls=true] or smtps://…. Raises ConfigError."""
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        starttls = parse_qs(parts.query).get("starttls", ["false"])[0].lower() == "true"
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname or (tls and starttls):
            raise ConfigError(
                "ONEFOLD_SMTP_URL is not of the form smtp://[user:password@]host:port[?starttls=true] or smtps://…"
            )
        if parts.username and not (tls or starttls) and parts.hostname not in _LOOPBACK:
            raise ConfigError("ONEFOLD_SMTP_URL would send its password in clear: use smtps:// or ?starttls=true")
        username, password = (unquote(text) if text else None for text in (parts.username, parts.password))
        port = parts.port or (465 if tls else 587 if starttls else 25)
        return cls(parts.hostname, port, username, password, tls, starttls, seconds)


class Connection:
    """A lane of mails: one connection, made when first needed and made again when lost."""

    def __init__(self, server: MailServer, own_name: str) -> None:
        self._server = server
        self._own_name = own_name
        self._smtp: SMTP | None = None

    async def open(self, mail: Mail) -> None:
        """MAIL and RCPT."""
        with self._span("SMTP MAIL RCPT"):
            await self._open(mail)

    def _span(self, name: str) -> AbstractContextManager[object]:
        return telemetry.span(name, telemetry.CLIENT, server__address=self._server.host, server__port=self._server.port)

    async def _open(self, mail: Mail) -> None:
        if self._smtp is not None:
            # Servers end connections that were idle or have carried enough: that alone says nothing about a new one.
            with contextlib.suppress(Away):
                return await self._envelope(self._smtp, mail.sender, mail.recipient)
        return await self._envelope(await self._connect(), mail.sender, mail.recipient)

    async def _connect(self) -> SMTP:
        server = self._server
        smtp = SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            use_tls=server.tls,
            start_tls=server.starttls,
            timeout=server.seconds,
            local_hostname=self._own_name,
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except (SMTPException, OSError) as error:
            raise Away(_describe("cannot connect", error)) from error
        self._smtp = smtp
        return smtp

    async def _envelope(self, smtp: SMTP, sender: str, recipient: str) -> None:
        international = not (sender + recipient).isascii()
        if international and not smtp.supports_extension("smtputf8"):
            raise _refusal(553, "5.6.7 the mail server cannot deliver to addresses outside ASCII (no SMTPUTF8)")
        try:
            await smtp.mail(sender, options=["SMTPUTF8", "BODY=8BITMIME"] if international else [], encoding="utf-8")
            await smtp.rcpt(recipient, encoding="utf-8")
        except SMTPRecipientRefused as error:
            if error.code == _SERVICE_CLOSING:
                await self.close()
                raise Away(_describe("recipient", error)) from error
            await self.reset()
            raise _refusal(error.code, error.message) from error
        except (SMTPException, OSError) as error:
            await self.close()
            raise Away(_describe("envelope", error)) from error

    async def transmit(self, mail: Mail) -> str:
        """DATA and the content. SMTP has no name for what it took but the Message-ID, which is ours."""
        smtp = self._smtp
        if smtp is None or smtp.protocol is None:
            raise Away("the connection was lost before the content")
        with self._span("SMTP DATA"):
            await self._content(smtp, smtp.protocol, mail.content)
        return ""

    async def _content(self, smtp: SMTP, protocol: SMTPProtocol, content: bytes) -> None:
        try:
            answer = await smtp.execute_command(b"DATA")
        except (SMTPException, OSError) as error:
            await self.close()
            raise Away(_describe("before the content", error)) from error
        if answer.code != _SEND_CONTENT:
            await self._refused(answer)
        try:
            protocol.write(_STARTS_WITH_DOT.sub(b"..", content) + b".\r\n")
            answer = await protocol.read_response(timeout=self._server.seconds * LAST_ANSWER_FACTOR)
        except (SMTPException, OSError) as error:
            await self.close()
            raise Undecided(_describe("no answer to the content", error)) from error
        if answer.code // 100 != 2:
            await self._refused(answer)

    async def _refused(self, answer: SMTPResponse) -> None:
        if answer.code == _SERVICE_CLOSING:
            await self.close()
        else:
            await self.reset()
        raise _refusal(answer.code, answer.message)

    async def reset(self) -> None:
        """Forgets an envelope that was opened; a connection that cannot do that is closed."""
        if self._smtp is not None:
            try:
                await self._smtp.rset()
            except (SMTPException, OSError):
                await self.close()

    async def close(self) -> None:
        """Ends the connection, politely if it still answers."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None and smtp.is_connected:
            # Whatever a server has to say about our leaving changes nothing.
            with contextlib.suppress(SMTPException, OSError):
                await smtp.quit(timeout=1)
            smtp.close()


def _refusal(code: int, text: str) -> Refused:
    answer = f"{code} {' '.join(text.split())}"
    return Refused(answer, of_smtp(answer), permanent=code >= 500)


def _describe(step: str, error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return f"{step}: {error.code} {' '.join(error.message.split())}"
    return f"{step}: {type(error).__name__}"
