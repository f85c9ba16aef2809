"""What messages say: Jinja templates and a gettext catalogue, made into mails and SMS ready to be sent (G1, G3).

The English sentences in the templates are the keys of the catalogue; `zh_Hant.po` must have every one of them, which a test checks.
"""

from __future__ import annotations

import base64
import email.policy
import gettext
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime as rfc_date
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from babel.messages import mofile, pofile
from email_validator import validate_email
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.common import clock
from services.common.money import MINOR_DIGITS
from services.notification.domain import Claimed, Kind, Mail, Sms, one_line
from services.notification.templates.sms import short, typewritten

FOLDER = Path(__file__).parent
LANGUAGES = {"en": "en", "zh-Hant": "zh_Hant"}
_SYMBOLS = {"HKD": "HK$", "TWD": "NT$", "MOP": "MOP$", "USD": "US$", "CNY": "CN¥", "JPY": "JP¥", "SGD": "S$"}
_BOUNDARY = b"=_onefold"
# Parameters that messages lack which were queued before these were thought of.
_SINCE_ADDED = {"level_discount": 0, "points_discount": 0, "ended": "", "link": "", "unsubscribe": "", "logo": ""}
# Codes are good for ten minutes: a provider that has not sent one by then need not.
_GOOD_FOR_SECONDS = {Kind.LOGIN_CODE: 600}
_PATTERNS = {"en": "d MMM y, HH:mm", "zh-Hant": "y年M月d日 HH:mm"}


@dataclass(frozen=True, slots=True)
class Written:
    """What a mail says: its subject on one line, and the same content as plain text and as HTML."""

    subject: str
    text: str
    html: str


class Templates:
    """All templates in all languages, read once at start."""

    def __init__(self) -> None:
        self._environments = {language: _environment(language) for language in LANGUAGES}

    def mail(self, claimed: Claimed, mail_from: str, extra: Mapping[str, str]) -> Mail:
        """The mail of a message from the store, in the recipient's language or else the store's.

        Raises ValueError when an address cannot be written into a mail.
        """
        written = self.written(claimed, extra)
        sender, recipient = wire_address(mail_from), wire_address(claimed.message.recipient)
        # Derived from the row, so that a receiver can tell a second copy from a second message (E).
        message_id = f"<{claimed.message.message_id}@{sender.rpartition('@')[2]}>"
        head = EmailMessage(email.policy.SMTP if (sender + recipient).isascii() else email.policy.SMTPUTF8)
        head["From"] = _header_address(claimed.store.name, sender)
        head["To"] = _header_address(claimed.params.get("name", ""), recipient)
        head["Subject"] = written.subject
        rest = {"Message-ID": message_id, "Content-Language": language_for(claimed)}
        if reply_to := claimed.store.look.reply_to:
            rest["Reply-To"] = wire_address(reply_to)
        rest |= _way_out(extra.get("unsubscribe", ""))
        return Mail(sender, recipient, _joined(head, rest, written.text, written.html))

    def written(self, claimed: Claimed, extra: Mapping[str, str]) -> Written:
        """What the mail says."""
        language = language_for(claimed)
        environment = self._environments[language]
        values = _values(claimed, extra) | {"language": language, "zone": ZoneInfo(claimed.store.timezone)}

        def render(suffix: str) -> str:
            return environment.get_template(f"{claimed.message.kind}{suffix}").render(values)

        return Written(one_line(render(".subject.txt")), render(".txt"), render(".html"))

    def sms(self, claimed: Claimed, extra: Mapping[str, str]) -> Sms:
        """The SMS of a message from the store; `extra` names the `host` of its pages."""
        environment = self._environments[language_for(claimed)]
        values = _values(claimed, extra) | {"shop": short(claimed.store.name)}
        text = environment.get_template(f"{claimed.message.kind}.sms.txt").render(values)
        kind = claimed.message.kind
        return Sms(claimed.message.recipient, typewritten(text.strip()), _GOOD_FOR_SECONDS.get(kind))


def _values(claimed: Claimed, extra: Mapping[str, str]) -> dict[str, Any]:
    recipient = claimed.message.recipient
    look = {"look": claimed.store.look}
    return {**_SINCE_ADDED, **claimed.params, **extra, **look, "store": claimed.store, "recipient": recipient}


def language_for(claimed: Claimed) -> str:
    """The recipient's language, else the store's."""
    return language_of(claimed.language or claimed.store.language)


def _way_out(address: str) -> dict[str, str]:
    """One click in the mail program (RFC 8058); the same address is in the mail for people."""
    if not address:
        return {}
    return {"List-Unsubscribe": f"<{address}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def _joined(head: EmailMessage, rest: Mapping[str, str], text: str, html: str) -> bytes:
    """One mail of headers that people had a hand in, and of parts and headers that are ours.

    The first are left to the standard library's careful policy. The rest is put together here: written by its generator it would be
    the greatest part of what sending a mail costs. No line of base64 begins with two hyphens, so any boundary is one.
    """
    lines = [f"{name}: {value}".encode() for name, value in rest.items()]
    lines += [
        f"Date: {rfc_date(clock.now())}".encode(),
        b"Auto-Submitted: auto-generated",
        b"MIME-Version: 1.0",
        b'Content-Type: multipart/alternative; boundary="' + _BOUNDARY + b'"',
        b"",
        *_part(b"plain", text),
        *_part(b"html", html),
        b"--" + _BOUNDARY + b"--",
        b"",
    ]
    return head.as_bytes().removesuffix(b"\r\n") + b"\r\n".join(lines)


def _part(subtype: bytes, content: str) -> Iterator[bytes]:
    yield b"--" + _BOUNDARY
    yield b"Content-Type: text/" + subtype + b'; charset="utf-8"'
    yield b"Content-Transfer-Encoding: base64"
    yield b""
    yield base64.encodebytes(content.encode()).replace(b"\n", b"\r\n")


def language_of(tag: str) -> str:
    """The supported language that is nearest to a BCP 47 tag."""
    return "zh-Hant" if tag.lower().startswith("zh") else "en"


@lru_cache(maxsize=1_000)
def wire_address(address: str) -> str:
    """The address with its domain in ASCII; only a local part outside ASCII keeps it from being all ASCII. Raises ValueError."""
    parsed = validate_email(address, check_deliverability=False, test_environment=True)
    return f"{parsed.local_part}@{parsed.ascii_domain}"


def _header_address(name: str, address: str) -> Address:
    # By its parts: read from one text, the standard library refuses a local part outside ASCII.
    local_part, _, domain = address.rpartition("@")
    return Address(one_line(name), local_part, domain)


def money(minor: int, currency: str) -> str:
    """123450 HKD is "HK$ 1,234.50", with a space that does not break."""
    digits = MINOR_DIGITS.get(currency, 2)
    whole, fraction = divmod(abs(minor), 10**digits)
    text = f"{whole:,}" + (f".{fraction:0{digits}}" if digits else "")
    return f"{'−' if minor < 0 else ''}{_SYMBOLS.get(currency, currency)}\u00a0{text}"


def day_and_time(iso: str, zone: ZoneInfo, language: str) -> str:
    """A moment in the store's time zone: "24 Nov 2026, 10:05"."""
    moment = datetime.fromisoformat(iso).astimezone(zone)
    return str(format_datetime(moment, _PATTERNS[language], locale=LANGUAGES[language]))


def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    translations = _translations(language)
    # newstyle: sentences are escaped as templates, their values as values.
    environment.install_gettext_callables(translations.gettext, translations.ngettext, newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = money
    environment.filters["day_and_time"] = day_and_time
    return environment


def _translations(language: str) -> gettext.NullTranslations:
    """The catalogue, compiled in memory: a build step less, and nothing that can be out of date."""
    if language == "en":
        return gettext.NullTranslations()
    compiled = io.BytesIO()
    with (FOLDER / f"{LANGUAGES[language]}.po").open("rb") as file:
        mofile.write_mo(compiled, pofile.read_po(file, locale=LANGUAGES[language], abort_invalid=True))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
