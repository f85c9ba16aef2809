"""The hostile texts of test_texts.py in the fields of forms: staff's, visitors', customers' (OWASP A05).

Whatever is taken stays text wherever it comes out again, whatever is refused is refused in words. One field of each form by a kind in
turn, for staff those of every eighth page; with `make attack` every field of every page by every kind.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from deploy.local.stack import Stack
from tests.attack.conftest import LONG
from tests.attack.pages import Form, forms, pages, things
from tests.attack.test_texts import HOSTILE, PRODUCT, RUNS
from tests.component.gateway.conftest import Store, key
from tests.component.gateway.customer import Customer, customer

# What says that a form is the page's own; what is no text of anybody's.
_OWN = ("csrf_token", "idempotency_key")
_REDIRECTS = (302, 303)
# Where somebody may only try so often.
_HASTE = ("login", "forgotten", "password", "second-factor", "join")
# The console's pages are shared out among as many tests.
_PARTS = 8


class Walk:
    """A browser that sends hostile texts in all forms that it finds; `prepare` is called with each page before it is opened."""

    def __init__(self, browser: httpx.Client, prepare: Callable[[str], object] = str) -> None:
        self._browser, self._prepare = browser, prepare
        self._kinds = itertools.cycle(HOSTILE)
        self.sent: set[str] = set()
        self.taken = 0

    def through(self, paths: list[str]) -> None:
        """Every form of every page."""
        for path in paths:
            for number, form in enumerate(self._found(path)):
                self._form(path, number, form)

    def _found(self, path: str) -> list[Form]:
        self._prepare(path)
        return forms(self._browser, path)

    def _form(self, path: str, number: int, form: Form) -> None:
        names = [name for name in form.names if name not in _OWN]
        for name, kind in self._tried(names):
            self.sent.add(form.action.partition("?")[0])
            if self.send(path, form, name, kind) and LONG:
                # What was taken has changed what the form was about.
                found = self._found(path)
                if number >= len(found):
                    return
                form = found[number]

    def _tried(self, names: list[str]) -> list[tuple[str, str]]:
        if LONG or not names:
            return list(itertools.product(names, HOSTILE))
        kind = next(self._kinds)
        return [(names[sum(map(ord, kind)) % len(names)], kind)]

    def send(self, path: str, form: Form, name: str, kind: str) -> bool:
        """Whether it was taken."""
        fields = form.fields | {name: HOSTILE[kind]}
        if "idempotency_key" in fields and name != "idempotency_key":
            fields["idempotency_key"] = key()
        answer = self._browser.post(
            form.action,
            # As the bytes that half a character would be; no client library writes them.
            content=urlencode(fields, errors="surrogatepass").encode(),
            headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Referer": str(self._browser.base_url) + path,
            },
        )
        told = (path, form.action, name, kind)
        assert answer.status_code < 500, (told, answer.status_code)
        # Nothing else is refused for haste: what was never looked at would show nothing.
        assert answer.status_code != 429 or any(word in form.action for word in _HASTE), told
        looks_like_text(answer, told)
        self.taken += answer.status_code in _REDIRECTS
        return answer.status_code in _REDIRECTS


def looks_like_text(answer: httpx.Response, told: object) -> None:
    """A browser would run nothing of an answer, nor go elsewhere, nor keep what it was not to keep."""
    if answer.headers.get("Content-Type", "").startswith("text/html"):
        assert not RUNS.search(answer.text), told
    assert PRODUCT not in answer.text, told
    assert "Bcc" not in answer.headers, told
    assert httpx.URL(answer.headers.get("Location", "/")).host in ("", answer.request.url.host), told


@pytest.fixture(scope="module")
def member(stack: Stack, shop: Store) -> Iterator[Customer]:
    """Somebody with an account, an address and something in the cart."""
    with customer(stack, shop) as browser:
        browser.register(shop.person()["email"])
        yield browser


def all_is_text(browser: httpx.Client, paths: list[str]) -> None:
    """Pages after all of it was sent."""
    for path in paths:
        page = browser.get(path, follow_redirects=True)
        assert page.status_code < 500, path
        looks_like_text(page, path)


@pytest.mark.parametrize("part", range(_PARTS) if LONG else [0])
def test_no_text_of_any_form_of_staff_is_a_defect_of_ours(part: int, shop: Store) -> None:
    paths = pages("console", things(shop))[part::_PARTS]
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=60) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        walk = Walk(browser)
        walk.through(paths)
        assert len(walk.sent) > 3, walk.sent
        assert walk.taken, "nothing was taken at all"
        assert browser.get("/console/").status_code == 200, "the walk has ended somewhere"
        all_is_text(browser, paths)


def test_no_text_of_any_form_of_customers_is_a_defect_of_ours(shop: Store, member: Customer) -> None:
    """Shop window, cart, checkout, account, profile, addresses, consents, passwords, further log-ins."""
    about = things(shop)
    paths = pages("storefront", about)

    def fill_cart(path: str) -> None:
        if path.endswith(("/cart", "/checkout")):
            member.send("", "cart/items", item_id=about["item_id"][0], quantity="1")

    walk = Walk(member.http, fill_cart)
    walk.through(paths)
    for needed in ("checkout", "account/profile", "account/addresses/new", "account/privacy", "account/login", "cart"):
        assert f"/s/{shop.slug}/{needed}" in walk.sent, (needed, walk.sent)
    assert walk.taken, "nothing was taken at all"
    assert member.get("account").status_code == 200, "the walk has ended somewhere"
    all_is_text(member.http, paths)


@pytest.mark.parametrize("kind", HOSTILE if LONG else ["a head of a mail"])
def test_nobody_registers_as_anything_but_text(kind: str, stack: Stack, shop: Store) -> None:
    """A3: the name is taken as text, or refused; the account's pages, the console and the mails show it as such."""
    person = shop.person()
    with customer(stack, shop) as browser:
        browser.log_in(person["email"])
        (form,) = [each for each in forms(browser.http, f"/s/{shop.slug}/register") if "name" in each.fields]
        walk = Walk(browser.http)
        taken = walk.send(f"/s/{shop.slug}/register", form, "name", kind)
        page = browser.get("account")
        looks_like_text(page, kind)
        assert (page.status_code == 200) is taken


def test_no_mail_of_it_has_a_recipient_or_a_script_of_its_own(shop: Store, stack: Stack, member: Customer) -> None:
    """G1: all that went out because of the forms above, and of anything else before."""
    mails = list(all_mails(stack))
    assert len(mails) > 5
    for mail in mails:
        assert not RUNS.search(mail["html"]), mail["subject"]
        assert PRODUCT not in mail["html"] + mail["text"] + mail["subject"], mail["subject"]
        assert "\n" not in mail["subject"]
        assert len(mail["recipients"]) == 1, mail["subject"]
        assert "evil" not in mail["recipients"][0] + mail["sender"], mail["subject"]


def all_mails(stack: Stack) -> Iterator[dict[str, Any]]:
    """A hundred at a time, since each comes with its bodies."""
    with httpx.Client(base_url=stack.settings.mail_url, trust_env=False, timeout=60) as catcher:
        for offset in itertools.count(step=100):
            page = (
                catcher.get("/api/messages", params={"limit": 100, "offset": offset})
                .raise_for_status()
                .json()["messages"]
            )
            if not page:
                return
            yield from page
