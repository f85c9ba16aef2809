"""Mails and SMS on disk with an index in memory."""

from __future__ import annotations

import email
import email.policy
import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

# Older mails stay on disk; the page and the tests ask for the newest.
INDEX_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """What the list shows of a message. An SMS has its text for a subject, and the provider's name for it for a Message-ID."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    received_at: str
    channel: str = "email"


@dataclass(frozen=True, slots=True)
class Content:
    """A message's readable parts; empty where it has none."""

    text: str
    html: str
    headers: tuple[tuple[str, str], ...]


class Mailbox:
    """Every mail is one `.eml` file, every SMS a `.txt`, and each one line of `index.jsonl`; all outlive the process."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(self._read_index(), maxlen=INDEX_LIMIT)
        self._last = self._entries[-1].id if self._entries else 0
        self._index = (folder / "index.jsonl").open("a", encoding="utf-8")

    def _read_index(self) -> Iterator[Entry]:
        path = self._folder / "index.jsonl"
        if not path.exists():
            return
        kept = path.read_bytes()
        if not kept.endswith(b"\n"):  # the process was killed in the middle of a line
            kept = kept[: kept.rfind(b"\n") + 1]
            path.write_bytes(kept)
        for line in kept.splitlines():
            value = json.loads(line)
            yield Entry(**{**value, "recipients": tuple(value["recipients"])})

    def add(self, sender: str, recipients: list[str], content: bytes) -> Entry:
        """Keeps a mail as it came."""
        # The older, plain policy: the modern one takes three times as long, and this runs for every mail.
        headers = BytesHeaderParser().parsebytes(content.partition(b"\r\n\r\n")[0])
        return self._keep(
            content,
            sender=sender,
            recipients=tuple(recipients),
            subject=_decoded(str(headers.get("Subject", ""))),
            message_id=str(headers.get("Message-ID", "")).strip(),
        )

    def add_sms(self, sender: str, recipient: str, text: str, name: str) -> Entry:
        """Keeps an SMS, which the provider calls `name`."""
        return self._keep(
            text.encode(), sender=sender, recipients=(recipient,), subject=text, message_id=name, channel="sms"
        )

    def _keep(self, content: bytes, **values: Any) -> Entry:
        with self._lock:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            entry = Entry(id=self._last + 1, received_at=now, **values)
            self._file(entry).write_bytes(content)
            self._index.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._index.flush()
            self._entries.append(entry)
            self._last = entry.id
        return entry

    def find(self, to: str = "", limit: int = 100, offset: int = 0) -> tuple[int, list[Entry]]:
        """How many messages there are, and a window of them, newest first; `to` is an address, in any case, or a number."""
        with self._lock:
            entries = list(self._entries)
        wanted = to.strip().casefold()
        found = [entry for entry in reversed(entries) if not wanted or wanted in map(str.casefold, entry.recipients)]
        return len(found), found[offset : offset + limit]

    def get(self, entry_id: int) -> Entry | None:
        """The entry with that id, while the index holds it."""
        with self._lock:
            first = self._entries[0].id if self._entries else 0
            position = entry_id - first
            return self._entries[position] if 0 <= position < len(self._entries) else None

    def raw(self, entry: Entry) -> bytes:
        """The message as it came."""
        return self._file(entry).read_bytes()

    def content(self, entry: Entry) -> Content:
        """The message's text, HTML and headers."""
        if entry.channel == "sms":
            return Content(text=self.raw(entry).decode(), html="", headers=(("From", entry.sender),))
        message = email.message_from_bytes(self.raw(entry), policy=email.policy.default)
        return Content(
            text=_part(message, "plain"),
            html=_part(message, "html"),
            headers=tuple((name, str(value)) for name, value in message.items()),
        )

    def _file(self, entry: Entry) -> Path:
        return self._folder / f"{entry.id:08d}{'.txt' if entry.channel == 'sms' else '.eml'}"


def _decoded(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (LookupError, UnicodeError, HeaderParseError):
        return value


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    if part is None:
        return ""
    content: Any = part.get_content()
    return str(content)
