"""A customer's browser at a store's pages, and the mails that they get."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store
from tests.support.until import until

_HIDDEN = re.compile(r'<input(?=[^>]*type="hidden")(?=[^>]*name="(\w+)")(?=[^>]*value="([^"]*)")')
_CODE = re.compile(r"^(\d{6})$", re.MULTILINE)


class Customer:
    """A browser with its cookies."""

    def __init__(self, stack: Stack, store: Store, http: httpx.Client) -> None:
        self.stack, self.store, self.http = stack, store, http

    def get(self, page: str, **query: str) -> httpx.Response:
        """Opens a page of the store."""
        return self.http.get(f"/s/{self.store.slug}/{page}", params=query)

    def send(self, page: str, action: str = "", **fields: str) -> httpx.Response:
        """Sends the form of a page, there or to `action`; hidden fields as the page's first form has them."""
        found = _HIDDEN.findall(self.get(page).text.partition("<main")[2])
        hidden = {name: html.unescape(value) for name, value in reversed(found)}
        return self.http.post(f"/s/{self.store.slug}/{action or page}", data=hidden | fields)

    def codes(self, address: str) -> list[str]:
        """The codes that mails to the address have, the newest first."""
        return [code[1] for mail in mails(self.stack, address) if (code := _CODE.search(mail["text"]))]

    def ask(self, address: str) -> str:
        """Asks for a code; the code of the mail that comes."""
        known = len(self.codes(address))
        assert self.send("login", email=address).headers["Location"] == f"/s/{self.store.slug}/login/code"
        until(lambda: len(self.codes(address)) > known, "the mail with the code arrives", seconds=60)
        return self.codes(address)[0]

    def log_in(self, address: str) -> httpx.Response:
        """Asks for a code and types it."""
        return self.send("login/code", code=self.ask(address))

    @property
    def session(self) -> str:
        """The session's cookie."""
        return self.http.cookies.get(f"onefold_member_{self.store.slug}") or ""


def mails(stack: Stack, address: str) -> list[dict[str, Any]]:
    """What the mail catcher has for an address, newest first."""
    answer = httpx.get(f"{stack.settings.mail_url}/api/messages", params={"to": address}, trust_env=False)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["messages"]
    return found


@contextmanager
def customer(stack: Stack, store: Store, language: str = "en") -> Iterator[Customer]:
    """A browser of somebody whom the store does not know yet."""
    cookies = {"onefold_language": language}
    with httpx.Client(base_url=store.url, trust_env=False, cookies=cookies, timeout=30) as http:
        yield Customer(stack, store, http)
