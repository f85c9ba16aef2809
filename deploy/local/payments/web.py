"""The provider's API for programs, and its pages for people."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jinja2 import Environment, FileSystemLoader

from deploy.local.payments.book import Book, Refused

_HERE = Path(__file__).parent
_TEMPLATES = Environment(
    loader=FileSystemLoader([_HERE / "templates", _HERE.parent / "mail" / "templates"]), autoescape=True
)
# No "form-action": paying leads to the store, wherever that is.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_KEY = "sk_test_"
_LARGEST_BODY = 64 * 1024
_PAGE = re.compile(r"/pay/(cs_test_[0-9a-f]{24})")


class Pages(BaseHTTPRequestHandler):
    """Answers requests. `book` is set by `pages`."""

    book: Book
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        """Pages, the balance, refunds of a payment."""
        url = urlsplit(self.path)
        if url.path == "/":
            self._page("providers_start.html", made=None)
        elif url.path.startswith("/v1/"):
            self._api(url.path, dict(parse_qsl(url.query)))
        elif (match := _PAGE.fullmatch(url.path)) and (session := self.book.session(match[1])):
            self._page("pay.html", session=session, declined="declined" in url.query)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")

    def do_POST(self) -> None:
        """What the API makes, and what a customer does."""
        url = urlsplit(self.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _LARGEST_BODY)).decode(
            errors="replace"
        )
        form = dict(parse_qsl(body))
        if url.path == "/":
            self._set_up(form)
        elif url.path.startswith("/v1/"):
            self._api(url.path, form, body)
        elif (match := _PAGE.fullmatch(url.path)) and (session := self.book.session(match[1])):
            self._act(session, form.get("action", ""))
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain", b"no such page\n")

    def _set_up(self, form: Mapping[str, str]) -> None:
        try:
            made = self.book.add_endpoint(form.get("api_key", "").strip(), form.get("url", "").strip())
        except Refused:
            made = {"secret": ""}
        self._page("providers_start.html", made=made)

    def _act(self, session: dict[str, Any], action: str) -> None:
        if action == "pay":
            self.book.pay(session)
        elif action == "fail":
            self.book.decline(session)
        ways = {"pay": session["success_url"], "cancel": session["cancel_url"]}
        self._redirect(ways.get(action, f"/pay/{session['id']}?declined"))

    def _api(self, path: str, form: Mapping[str, str], body: str = "") -> None:
        account = self._account()
        try:
            if not account.startswith(_KEY):
                raise Refused("api_key_invalid", 401)
            key = self.headers.get("Idempotency-Key", "")
            answer = self.book.once(account, key, f"{path} {body}", lambda: self._answer(path, account, form))
        except Refused as refusal:
            error = {"error": {"type": "invalid_request_error", "code": refusal.code}}
            self._send(HTTPStatus(refusal.status), "application/json", json.dumps(error).encode())
        else:
            self._send(HTTPStatus.OK, "application/json", json.dumps(answer).encode())

    def _answer(self, path: str, account: str, form: Mapping[str, str]) -> dict[str, Any]:
        if path == "/v1/checkout/sessions":
            return self.book.open_session(account, form, self._address)
        if path == "/v1/webhook_endpoints":
            return self.book.add_endpoint(account, form.get("url", ""))
        if path == "/v1/balance":
            return {"object": "balance", "available": []}
        if path == "/v1/refunds" and self.command == "GET":
            return {"object": "list", "data": self.book.refunds(account, form.get("payment_intent", ""))}
        if path == "/v1/refunds":
            return self.book.refund(account, form)
        raise Refused("resource_missing", 404)

    def _account(self) -> str:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        try:
            return base64.b64decode(encoded, validate=True).decode().partition(":")[0] if scheme == "Basic" else ""
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def _address(self, session_id: str) -> str:
        return f"http://{self.headers['Host']}/pay/{session_id}"

    def _page(self, template: str, **values: Any) -> None:
        body = _TEMPLATES.get_template(template).render(key=f"{_KEY}demo", **values).encode()
        self._send(HTTPStatus.OK, "text/html; charset=utf-8", body)

    def _redirect(self, address: str) -> None:
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in (
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not worth a log line."""


def pages(book: Book) -> type[Pages]:
    """The request handler for one book."""
    return type("PagesOfBook", (Pages,), {"book": book})
