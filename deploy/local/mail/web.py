"""The web side of the catcher: a list, one message, JSON for tests, and the API to which SMS are sent."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment, FileSystemLoader

from deploy.local.mail import twilio
from deploy.local.mail.mailbox import Entry, Mailbox

PAGE_SIZE = 50
_LARGEST_BODY = 64 * 1024
_TEMPLATES = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
# Mails are strangers' HTML: no script, nothing fetched from elsewhere.
_POLICY = "; ".join(
    (
        *("default-src 'none'", "style-src 'unsafe-inline'", "img-src data:", "frame-src 'self'"),
        *("base-uri 'none'", "form-action 'self'"),
    )
)
_ONE = re.compile(r"/messages/(\d{1,9})(\.eml)?")


class Pages(BaseHTTPRequestHandler):
    """Answers requests. `mailbox` is set by `pages`."""

    mailbox: Mailbox
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Routes by path."""
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        if url.path == "/":
            self._list(query)
        elif url.path == "/api/messages":
            self._json(query)
        elif match := _ONE.fullmatch(url.path):
            self._one(int(match[1]), raw=bool(match[2]))
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")

    def do_POST(self) -> None:
        """An SMS, as Twilio takes it."""
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LARGEST_BODY))
        form = {name: values[-1] for name, values in parse_qs(body.decode(errors="replace")).items()}
        answer = twilio.create(self.mailbox, urlsplit(self.path).path, self.headers.get("Authorization", ""), form)
        self._send(answer.status, "application/json", json.dumps(answer.body, ensure_ascii=False).encode())

    def _list(self, query: dict[str, str]) -> None:
        offset = _number(query.get("offset"), 0)
        to = query.get("to", "")
        total, entries = self.mailbox.find(to, PAGE_SIZE, offset)
        self._page("list.html", entries=entries, total=total, to=to, offset=offset, page_size=PAGE_SIZE)

    def _one(self, entry_id: int, *, raw: bool) -> None:
        entry = self.mailbox.get(entry_id)
        if entry is None:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such message\n")
        elif raw:
            self._send(HTTPStatus.OK, "text/plain; charset=utf-8", self.mailbox.raw(entry))
        else:
            self._page("message.html", entry=entry, content=self.mailbox.content(entry))

    def _json(self, query: dict[str, str]) -> None:
        limit, offset = _number(query.get("limit"), PAGE_SIZE), _number(query.get("offset"), 0)
        total, entries = self.mailbox.find(query.get("to", ""), limit, offset)
        bodies = query.get("bodies") != "no"
        body = {"total": total, "messages": [self._as_json(entry, bodies) for entry in entries]}
        self._send(HTTPStatus.OK, "application/json", json.dumps(body, ensure_ascii=False).encode())

    def _as_json(self, entry: Entry, bodies: bool) -> dict[str, Any]:
        if not bodies:
            return asdict(entry)
        content = self.mailbox.content(entry)
        return asdict(entry) | {"text": content.text, "html": content.html}

    def _page(self, template: str, **values: Any) -> None:
        body = _TEMPLATES.get_template(template).render(**values).encode()
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", body)

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a log line."""


def _number(value: str | None, default: int) -> int:
    return int(value) if value and value.isascii() and value.isdecimal() else default


def pages(mailbox: Mailbox) -> type[Pages]:
    """The request handler for one mailbox."""
    return type("PagesOfMailbox", (Pages,), {"mailbox": mailbox})
