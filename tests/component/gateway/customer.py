"""A customer's browser at a store's pages, and the messages that they get."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store
from tests.support.messages import code_for, messages

_HIDDEN = re.compile(r'<input(?=[^>]*type="hidden")(?=[^>]*name="(\w+)")(?=[^>]*value="([^"]*)")')


class Customer:
    """A browser with its cookies."""

    def __init__(self, stack: Stack, store: Store, http: httpx.Client) -> None:
        self.stack, self.store, self.http = stack, store, http

    def get(self, page: str, **query: str) -> httpx.Response:
        """Opens a page of the store."""
        return self.http.get(f"/s/{self.store.slug}/{page}", params=query or None)

    def send(self, page: str, action: str = "", **fields: str) -> httpx.Response:
        """Sends a form of a page, there or to `action`; hidden fields as the page's first form that has them."""
        return self.post(action or page, self.hidden(page), **fields)

    def hidden(self, page: str) -> dict[str, str]:
        """The hidden fields of a page's forms; of those of one name the first."""
        return {name: html.unescape(value) for name, value in reversed(_HIDDEN.findall(self.get(page).text))}

    def post(self, action: str, hidden: dict[str, str], **fields: str) -> httpx.Response:
        """Sends the fields of a form that was read before."""
        return self.http.post(f"/s/{self.store.slug}/{action}", data=hidden | fields)

    def ask(self, identifier: str, page: str = "login") -> str:
        """Asks for a code; the code that comes."""
        seen = len(messages(self.stack, identifier))
        assert self.send(page, identifier=identifier).headers["Location"] == f"/s/{self.store.slug}/login/code"
        return code_for(self.stack, identifier, seen=seen)

    def log_in(self, identifier: str) -> httpx.Response:
        """Asks for a code and types it."""
        return self.send("login/code", code=self.ask(identifier))

    def register(self, identifier: str, **fields: str) -> httpx.Response:
        """Proves an identifier that is nobody's and makes an account of it."""
        assert self.log_in(identifier).headers["Location"] == f"/s/{self.store.slug}/register"
        return self.send("register", **{"name": "陳大文"} | fields)

    def add(self, identifier: str) -> httpx.Response:
        """Adds a phone or an address to the account; the page that says what came of it."""
        added = self.send("login/code", code=self.ask(identifier, "account/login"))
        assert added.headers["Location"] == f"/s/{self.store.slug}/account/login"
        return self.get("account/login")

    @property
    def session(self) -> str:
        """The session's cookie."""
        return self.http.cookies.get(f"onefold_member_{self.store.slug}") or ""


@contextmanager
def customer(stack: Stack, store: Store, language: str = "en") -> Iterator[Customer]:
    """A browser of somebody whom the store does not know yet."""
    cookies = {"onefold_language": language}
    with httpx.Client(base_url=store.url, trust_env=False, cookies=cookies, timeout=30) as http:
        yield Customer(stack, store, http)
