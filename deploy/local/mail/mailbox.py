"""Mails on disk with an index in memory."""

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
    """What the list shows of a mail."""

    id: int
    sender: str
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    received_at: str


@dataclass(frozen=True, slots=True)
class Content:
    """A mail's readable parts; empty where it has none."""

    text: str
    html: str
    headers: tuple[tuple[str, str], ...]


class Mailbox:
    """Every mail is one `.eml` file and one line of `index.jsonl`; both outlive the process."""

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
        with self._lock:
            entry = Entry(
                id=self._last + 1,
                sender=sender,
                recipients=tuple(recipients),
                subject=_decoded(str(headers.get("Subject", ""))),
                message_id=str(headers.get("Message-ID", "")).strip(),
                received_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
            )
            self._file(entry.id).write_bytes(content)
            self._index.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
            self._index.flush()
            self._entries.append(entry)
            self._last = entry.id
        return entry

    def find(self, to: str = "", limit: int = 100, offset: int = 0) -> tuple[int, list[Entry]]:
        """How many mails there are, and a window of them, newest first; `to` is a recipient, in any case."""
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

    def raw(self, entry_id: int) -> bytes:
        """The mail as it came."""
        return self._file(entry_id).read_bytes()

    def content(self, entry_id: int) -> Content:
        """The mail's text, HTML and headers."""
        message = email.message_from_bytes(self.raw(entry_id), policy=email.policy.default)
        return Content(
            text=_part(message, "plain"),
            html=_part(message, "html"),
            headers=tuple((name, str(value)) for name, value in message.items()),
        )

    def _file(self, entry_id: int) -> Path:
        return self._folder / f"{entry_id:08d}.eml"


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
