"""Those who come to the online store: guests who order, people who register and log in, somebody who looks at the console's pages."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable

import httpx

from tests.faults.client import Person, somebody
from tests.faults.soak.history import OK, Operation
from tests.faults.soak.world import Actor, GaveUp, World, given
from tests.support.forms import csrf_token

_FIELDS = re.compile(r'<input(?=[^>]*name="([\w-]+)")(?=[^>]*value="([^"]*)")')
_CODE = re.compile(r"^(\d{6})$", re.MULTILINE)
_WHERE = {"ship_to-lines": "1 Nathan Road", "ship_to-city": "Hong Kong", "ship_to-country": "HK"}
_TRIES, _CODE_SECONDS = 8, 40.0
_AWAY = "cannot be reached right now"
_PAGES = ("/members", "/orders", "/merges", "/")


class Browser:
    """A browser without script, with its cookies; it asks again where a page does not come."""

    def __init__(self, world: World) -> None:
        self.http = httpx.Client(
            base_url=world.system.stack.settings.gateway_url,
            cookies={"onefold_language": "en"},
            timeout=30,
            transport=world.transport,
        )
        self._world = world
        self.shop = f"/s/{world.shop.slug}"

    def come(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        """A page on the way to something. Raises GaveUp."""
        for _ in range(_TRIES):
            try:
                answer = ask()
            except httpx.TransportError:
                answer = None
            if answer is not None and answer.status_code < 400:
                return answer
            if self._world.stop.wait(1):
                break
        raise GaveUp

    def fields(self, path: str) -> dict[str, str]:
        """What the forms of a page hold already."""
        page = self.come(lambda: self.http.get(path))
        found = {name: html.unescape(value) for name, value in reversed(_FIELDS.findall(page.text))}
        if "csrf_token" not in found:
            raise GaveUp
        return found


class Guest(Actor):
    """Puts something into the cart and checks out, unknown to the store."""

    def step(self) -> None:
        browser = Browser(self.world)
        shop, item = browser.shop, self.dice.choice(self.world.items)
        wish = browser.fields(f"{shop}/") | {"item_id": item, "quantity": "1"}
        browser.come(lambda: browser.http.post(f"{shop}/cart/items", data=wish))
        who, tag = somebody(), self.new_tag()
        form = browser.fields(f"{shop}/checkout") | _WHERE | who.contact | {"note": tag}
        operation = self.ask(
            "checkout",
            form["idempotency_key"],
            lambda: _led(browser.http.post(f"{shop}/checkout", data=form), f"{shop}/orders/"),
            effect="order by its note",
            tag=tag,
        )
        if operation.outcome == OK:
            self.ask("page", "", lambda: browser.http.get(operation.response.headers["Location"]))


class Newcomer(Actor):
    """Proves an address, registers, and logs in again from another browser."""

    def step(self) -> None:
        browser, who, tag = Browser(self.world), somebody(), self.new_tag()
        typed = self._typed(browser, who, "proof")
        if "/register" not in given(typed).headers.get("Location", ""):
            raise GaveUp
        form = browser.fields(f"{browser.shop}/register") | {"name": tag}
        made = self.ask(
            "registration",
            tag,
            lambda: _led(browser.http.post(f"{browser.shop}/register", data=form), f"{browser.shop}/"),
            effect="registration",
            tag=tag,
        )
        if made.outcome != OK:
            return
        again = Browser(self.world)
        if self._typed(again, who, "log-in").outcome == OK:
            page = given(self.ask("page", "", lambda: again.http.get(f"{again.shop}/account")))
            assert page.status_code == 200, f"thrown out to {page.headers['Location']} after a log-in"
            assert tag in page.text or _AWAY in page.text, "somebody else's account"

    def _typed(self, browser: Browser, who: Person, flow: str) -> Operation:
        """Asks for a code and types what comes."""
        door, seen = f"{browser.shop}/login", len(self._codes(who.email))
        form = browser.fields(door) | {"identifier": who.email}
        browser.come(lambda: browser.http.post(door, data=form))
        code = self._code(who.email, seen)
        typed = browser.fields(f"{door}/code") | {"code": code}
        return self.ask(flow, "", lambda: browser.http.post(f"{door}/code", data=typed), tag=f"{who.email} {code}")

    def _code(self, email: str, seen: int) -> str:
        deadline = time.monotonic() + _CODE_SECONDS
        while time.monotonic() < deadline and not self.world.stop.is_set():
            codes = self._codes(email)
            if len(codes) > seen:
                return codes[0]
            self.world.stop.wait(0.5)
        raise GaveUp

    def _codes(self, email: str) -> list[str]:
        """All that came there, the newest first."""
        mails = self.world.system.mails(email)
        return [code[1] for mail in mails if (code := _CODE.search(mail["text"]))]


class Staff(Actor):
    """Logs in to the console, enters an order, looks at some pages, leaves."""

    def step(self) -> None:
        browser, shop = Browser(self.world), self.world.shop
        page = browser.come(lambda: browser.http.get("/console/login"))
        wish = {
            "csrf_token": csrf_token(page.text),
            "store": shop.slug,
            "email": f"owner@{shop.slug}.example",
            "password": shop.password,
        }
        given(self.ask("staff log-in", "", lambda: browser.http.post("/console/login", data=wish)))
        self._enter_order(browser)
        for path in self.dice.sample(_PAGES, 2):
            self.ask("page", "", lambda path=path: browser.http.get(f"/console{path}"))

    def _enter_order(self, browser: Browser) -> None:
        page, tag, who = "/console/orders/new/paid", self.new_tag(), somebody(email=False)
        read = browser.fields(page)
        form = {name: read[name] for name in ("csrf_token", "idempotency_key")} | {
            "customer_mode": "new",
            "action": "save",
            "payment_method": "1",
            "note": tag,
            "name": who.name,
            "phone": who.phone,
            "lines-0-title": "Tea",
            "lines-0-quantity": "1",
            "lines-0-unit_price": "10",
        }
        self.ask(
            "console order",
            form["idempotency_key"],
            lambda: _led(browser.http.post(page, data=form), "/console/orders/"),
            effect="order by its note",
            tag=tag,
        )


def _led(response: httpx.Response, where: str) -> httpx.Response:
    """A form that was not taken is shown again, or leads elsewhere: that is a no."""
    if response.status_code < 400 and not response.headers.get("Location", "").startswith(where):
        response.status_code = 409
    return response
