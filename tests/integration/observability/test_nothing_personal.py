"""Nothing about anybody is in a log, a metric or a span: no name, address, number, note, code, password or key (rule 10; H6)."""

from __future__ import annotations

import re
import uuid
from types import SimpleNamespace
from typing import Any, cast

import httpx

from deploy.local.settings import WATCHED
from tests.component.gateway.customer import customer
from tests.faults.client import Json, Person, Shop, until
from tests.integration.observability.conftest import Observed
from tests.support.messages import messages

NAME, STREET, NOTE = "Canary Wong 金絲雀", "77 Canary Mansions", "canarynote likes cinnabar"
PHONE, MAIL, BIRTHDAY = "+85263337777", "canary.wong@mail.example", "1987-06-05"
PASSWORD, OTHER_MAIL, TAG = "Canary-Pass-77-xyzzy", "second.canary@mail.example", "canarytag"
BAD_PHONE, BAD_MAIL, TYPED = "+8521canary99", "canary@@broken..example", "canarytyped"
REFUSED, BUSY = "canary.refused@refused.example", "canary.busy@busy.example"
HEADER = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
ADDRESS = {"recipient": NAME, "lines": [STREET], "country": "HK"}
_LONG_NUMBER = re.compile(r"\b\d{6}\b")


def _orders_and_a_merge(shop: Shop) -> None:
    first = Person(NAME, PHONE, MAIL)
    member = shop.member(first, shipping_address=ADDRESS, note=NOTE)
    version = shop.customer(member)["version"]
    profile = {"expected_version": version, "birthday": BIRTHDAY, "tags": [TAG], "addresses": [ADDRESS]}
    assert shop.api.once("PATCH", f"/customers/{member}", profile, key=_key()).status_code == 200
    shop.api.sure("POST", f"/customers/{member}/notes", {"text": NOTE})
    other = shop.member(Person(NAME, "", OTHER_MAIL))
    shop.merge([member, other], points=5, expires_on="2099-12-31", description=NOTE)
    for address in (REFUSED, BUSY):
        shop.order(Person(NAME, "", address))


def _an_import(shop: Shop) -> None:
    rows = (
        f"{NAME},63338888,third.canary@mail.example,{BIRTHDAY},en,{TAG},{STREET},5,,{NOTE}",
        f"{NAME},{BAD_PHONE},{BAD_MAIL},{TYPED},en,{TAG},{STREET},many,,{NOTE}",
    )
    found = shop.api.sure("POST", "/imports", file="\r\n".join((HEADER, *rows)).encode())
    body = {"check_number": found["check_number"], "send_confirmations": False}
    shop.imported(shop.api.sure("POST", f"/imports/{found['import_id']}/confirm", body))


def _bad_input(shop: Shop) -> None:
    person = {"name": NAME, "phone": BAD_PHONE, "email": BAD_MAIL}
    bodies: list[Any] = [{"contact": person}, {"contact": NAME, "currency": TYPED}, [NOTE], {TYPED: NAME}]
    for body in bodies:
        assert shop.api.once("POST", "/orders", body, key=_key()).status_code in (400, 422)
    for path in (f"/customers/{MAIL}", f"/{TYPED}/{MAIL}", f"/customers?query={MAIL}", f"/orders/{TYPED}"):
        assert shop.api.once("GET", path).status_code < 500
    assert shop.api.once("POST", "/orders", {}, key=TYPED * 50).status_code < 500


def _registration(observed: Observed) -> list[str]:
    """Somebody registers by a code and logs in by a password, wrongly and rightly; the secrets that went to and fro."""
    stack, shop = observed.system.stack, observed.shop
    store = SimpleNamespace(slug=shop.slug, url=stack.settings.gateway_url)
    mail = "fourth.canary@mail.example"
    with customer(stack, cast(Any, store)) as browser:
        assert browser.register(mail, name=NAME).status_code == 302
        session = browser.session
        assert browser.send("account/password", new_password=PASSWORD).status_code == 302
        browser.http.cookies.clear()
        assert browser.send("login/password", identifier=mail, password=TYPED).status_code == 401
        assert browser.send("login/password", identifier=mail, password=PASSWORD).status_code == 302
        browser.http.cookies.clear()
        browser.send("login", identifier=BAD_MAIL)
        browser.send("login/code", code=TYPED)
    code = [found for each in messages(stack, mail) for found in _LONG_NUMBER.findall(each["text"])]
    assert session
    assert code
    return [session, *code, mail]


def _key() -> str:
    return str(uuid.uuid4())


def _told(observed: Observed) -> Json:
    """Everything that the processes have told so far, by where."""
    told: Json = {path.name: path.read_text() for path in observed.system.stack.data.logs.glob("*.log")}
    for name in WATCHED:
        told[f"metrics of {name}"] = httpx.get(observed.system.stack.running.metrics[name], trust_env=False).text
    told["spans"] = "\n".join(span.words for span in observed.spans.spans())
    return told


def test_nothing_of_anybody_is_in_logs_metrics_or_spans(observed: Observed) -> None:
    """Orders, a profile, a merge, an import, a registration, mails that are refused, and what is typed wrong everywhere."""
    shop = observed.shop
    _orders_and_a_merge(shop)
    _an_import(shop)
    _bad_input(shop)
    secrets = _registration(observed)
    settled = "SELECT 1 FROM messages WHERE recipient = $1 AND state = 'failed'"
    until(lambda: observed.system.rows("notification", settled, REFUSED), 30, "the mail server has refused one")
    trace = observed.spans.spans()[-1].trace_id
    observed.spans.wait(lambda spans: any(span.trace_id != trace for span in spans[-50:]), 10)
    canaries = (
        *("anary", "金絲雀", "63337777", "63338888", BIRTHDAY, "cinnabar", "xyzzy", shop.api.credential),
        *(secret for secret in secrets if not secret.isdecimal()),
    )
    told = _told(observed)
    found = [(where, canary) for where, text in told.items() for canary in canaries if canary in text]
    assert not found
    # A code of six digits may stand within a longer number by chance.
    codes = [secret for secret in secrets if secret.isdecimal()]
    assert not [c for text in told.values() for c in codes if re.search(rf"(?<![\w.]){c}(?![\w.])", text)]
