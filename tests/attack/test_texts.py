"""Texts that would like to be something else: script, SQL, formulas, templates, heads of mails. They stay text (OWASP A05).

Every text of every body of the document, by whatever route; then the places where texts come out again: pages, answers, files, mails.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from deploy.local.stack import Stack
from tests.attack.conftest import LONG
from tests.attack.document import Operation, operations, put, texts
from tests.component.gateway.conftest import Store, key
from tests.support.program import Program, running
from tests.support.until import until

# What the template's syntax would make of it.
PRODUCT = str(1_234_567 * 7_654_321)
HOSTILE = {
    "script": "<script>alert(1)</script>",
    "an image that fails": "\"'><img src=x onerror=alert(1)>",
    "SQL": "'; DROP TABLE orders; --",
    "more SQL": "x') OR 1=1; SELECT pg_sleep(20); --",
    "a pattern": "%_%\\",
    "a formula": '=HYPERLINK("http://evil.example","x")',
    "a command": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a template": "{{1234567*7654321}}${1234567*7654321}<%= 1234567*7654321 %>#{1234567*7654321}{% raise %}",
    "a head of a mail": "x\r\nBcc: evil@evil.example\r\n\r\n<b>x",
    "NUL": "a\x00b",
    "control characters": "a\x1b[31m\x07\x08b",
    "the other direction": "\u202egnp.exe\u2066x",
    "half a character": "\ud800",
    "no character": "\ufffe\uffff",
    "marks without an end": "Z" + "\u0301" * 400,
    "formats": "%s%n{0}{0.__class__}%(name)s",
    "a path": "../../../../etc/passwd",
    "very much": "A" * 200_000,
}
# A browser would run these; a spreadsheet those.
RUNS = re.compile(r"<script>alert|<img src=x|<b>x")
CALCULATED = re.compile("[=+\\-@\t\r＝＋－＠]")
NUMBER = re.compile(r"[+-]?[\d ]+(\.\d+)?")


@pytest.fixture(scope="module")
def ids(shop: Store) -> dict[str, str]:
    """Something that is there for most addresses."""
    order = shop.order()
    customer = order["customer"]["customer_id"]
    made = {"customer_id": customer, "order_id": order["order_id"]}
    made["item_id"] = shop.post("/items", {"name_en": "Tea", "unit_price_minor": 1}).json()["item_id"]
    made["cart_id"] = shop.post("/carts", {"customer_id": customer}).json()["cart_id"]
    made["filter_id"] = shop.post("/saved-filters", {"name": "all", "filter": {}}).json()["filter_id"]
    return made


def turns(operation: Operation) -> Iterator[str]:
    """All kinds again and again, from another one on for each operation."""
    kinds = itertools.cycle(HOSTILE)
    return itertools.islice(kinds, sum(map(ord, str(operation))) % len(HOSTILE), None)


@pytest.mark.parametrize("operation", [each for each in operations() if each.body], ids=str)
def test_no_text_of_any_body_is_a_defect_of_ours(operation: Operation, shop: Store, ids: dict[str, str]) -> None:
    """Taken or refused, in words: never a fault, never half a minute. One kind for each text in turn; with `make attack` all kinds."""
    body = operation.sample()
    for name, value in ids.items():
        for path in texts(body):
            if path and path[-1] == name:
                body = put(body, path, value)
    kinds = turns(operation)
    for path in texts(body):
        for kind in HOSTILE if LONG else (next(kinds), next(kinds)):
            sent = json.dumps(put(body, path, HOSTILE[kind]))
            answer = shop.http.request(
                operation.method,
                operation.at(**ids).removeprefix("/api/v1"),
                content=sent,
                headers={"Idempotency-Key": key(), "Content-Type": "application/json"},
            )
            assert answer.status_code < 500, (kind, path, answer.text)
            assert answer.headers["Content-Type"].startswith("application/"), (kind, path)
            assert PRODUCT not in answer.text, (kind, path)


@pytest.mark.parametrize("operation", [each for each in operations() if each.queries], ids=str)
def test_no_text_of_any_query_is_a_defect_of_ours(operation: Operation, shop: Store, ids: dict[str, str]) -> None:
    """The same for what stands behind the question mark; what is no text in UTF-8 comes as the bytes that it would be."""
    kinds = turns(operation)
    for name in operation.queries:
        for kind in HOSTILE if LONG else (next(kinds),):
            # Clients send no longer addresses; test_http.py does.
            query = f"{name}={quote(HOSTILE[kind][:20_000], safe='', errors='surrogatepass')}"
            answer = shop.http.request(
                operation.method,
                f"{operation.at(**ids).removeprefix('/api/v1')}?{query}",
                headers={"Idempotency-Key": key()},
            )
            assert answer.status_code < 500, (kind, name, answer.text)
            assert PRODUCT not in answer.text, (kind, name)
            # A file of entries repeats what was sent before; only of a page would a browser run anything.
            page = answer.headers["Content-Type"].startswith("text/html")
            assert not (page and RUNS.search(answer.text)), (kind, name)


@pytest.fixture(scope="module")
def program(shop: Store) -> Iterator[Program]:
    """Hears of every event that there is."""
    with running() as program:
        made = shop.post("/webhooks", {"url": program.url, "description": HOSTILE["script"]})
        assert made.status_code == 201, made.text
        yield program


@pytest.fixture(scope="module")
def planted(shop: Store, program: Program) -> dict[str, str]:
    """Kind → id of the customer who is called so, everywhere where a person or thing can be called something."""
    found = {}
    for kind, text in HOSTILE.items():
        call: Callable[[str, Any], httpx.Response] = shop.post
        try:
            contact = shop.person(text)
            order = shop.post(
                "/orders",
                {
                    "paid": True,
                    "currency": "HKD",
                    "contact": contact,
                    "note": text,
                    "lines": [{"title": text, "quantity": 1, "unit_price_minor": 1_000}],
                },
            )
        except UnicodeEncodeError:  # what is no text at all cannot even be written
            continue
        if order.status_code != 201:
            assert order.status_code in (400, 422), order.text
            continue
        customer = order.json()["customer"]["customer_id"]
        until(lambda c=customer: shop.get(f"/customers/{c}").json().get("orders_count"), "the order is counted")
        found[kind] = customer
        call(f"/customers/{customer}/notes", {"text": text})
        call(f"/customers/{customer}/points", {"points": 5, "expires_on": "2099-01-01", "description": text})
        shop.http.put(f"/customers/{customer}/tags", json={"tags": [text[:20]]}, headers={"Idempotency-Key": key()})
        call("/items", {"name_en": text[:80], "name_zh": text[:80], "unit_price_minor": 1, "sold_online": True})
        call("/saved-filters", {"name": text[:40], "filter": {"query": text[:40]}})
        call("/staff", {"name": text[:80], "email": f"{key()}@mail.example", "role": "support"})
    assert {"script", "an image that fails", "SQL", "a formula", "a template"} <= set(found)
    return found


def test_pages_show_texts_and_run_none(shop: Store, planted: dict[str, str]) -> None:
    """The console, the till's data and the shop window, in what a browser makes of their source."""
    paths = [
        *(
            "/console/",
            "/console/orders",
            "/console/members",
            "/console/items",
            "/console/members/filters",
            "/console/staff",
        ),
        *("/console/audit", "/console/messages", "/console/merges/duplicates", "/console/members/overview"),
        *("/console/members/invitations", "/console/members/invite", "/console/settings/webhooks", "/console/points"),
        *(f"/console/members/{customer}" for customer in planted.values()),
        *(f"/console/members/{customer}/timeline" for customer in planted.values()),
        *(f"/console/orders?q={kind}" for kind in ("<script>alert(1)</script>", "'\"><img src=x onerror=alert(1)>")),
        f"/s/{shop.slug}/",
        f'/s/{shop.slug}/login?next="><script>alert(1)</script>',
    ]
    shown = 0
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=30, follow_redirects=True) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        for path in paths:
            page = browser.get(path)
            assert page.status_code == 200, path
            assert not RUNS.search(page.text), path
            assert PRODUCT not in page.text, path
            assert "unsafe" not in page.headers["Content-Security-Policy"], path
            shown += "&lt;script&gt;alert(1)" in page.text
    assert shown > 3, "the texts were there to be shown"


def test_files_hold_texts_and_calculate_none(shop: Store, planted: dict[str, str]) -> None:
    """C11: in each file, no cell that a spreadsheet would take for a formula."""
    for path in ("/customers/export.csv", "/orders/export.csv", "/audit-entries/export.csv"):
        answer = shop.get(path)
        assert answer.status_code == 200, answer.text
        rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}, f"{path}: a text has made a cell of its own"
        for cell in itertools.chain.from_iterable(rows):
            assert not CALCULATED.match(cell) or NUMBER.fullmatch(cell), (path, cell)
            assert PRODUCT not in cell


def test_mails_hold_texts_and_no_heads_of_their_own(shop: Store, stack: Stack, planted: dict[str, str]) -> None:
    """G1: each buyer got the order's mail; nobody got one because a name said so."""
    mails = f"{stack.settings.mail_url}/api/messages"
    for kind, customer in planted.items():
        address = shop.get(f"/customers/{customer}").json()["email"]
        found = until(
            lambda a=address: httpx.get(mails, params={"to": a}, trust_env=False).json()["messages"],
            f"the mail of {kind}",
            60,
        )
        for mail in found:
            assert not RUNS.search(mail["html"]), kind
            assert PRODUCT not in mail["html"] + mail["text"] + mail["subject"], kind
            assert "\n" not in mail["subject"], kind
    assert httpx.get(mails, params={"to": "evil@evil.example"}, trust_env=False).json()["messages"] == []


def test_what_programs_are_told_has_no_text_of_anybody(planted: dict[str, str], program: Program) -> None:
    """H4: events name things by their ids. Heads are ours alone, and each body is one JSON document."""
    until(lambda: len(program.posted) > 2 * len(planted), "events of orders and members arrive", 60)
    of_texts = re.compile("|".join(re.escape(text[:20]) for text in HOSTILE.values()))
    for heads, body in program.posted:
        told = json.dumps(json.loads(body), ensure_ascii=False)
        assert not of_texts.search(told), told
        assert PRODUCT not in told
        assert not {"bcc", "set-cookie"} & set(heads), heads
        assert not of_texts.search("".join(heads.values())), heads


ADDRESSES = [
    "http://127.0.0.1:9/\r\nBcc: evil@evil.example",
    "http://127.0.0.1:9\r\nX-Evil: 1/",
    "http://127.0.0.1:9/\x00",
    "http://evil@127.0.0.1:9/",
    "http://127.0.0.1:9/\ud800",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "gopher://127.0.0.1:9/",
    "//evil.example",
    "http://[::ffff:169.254.169.254]/",
    "http://127.0.0.1:9/" + "A" * 200_000,
]


@pytest.mark.parametrize("address", ADDRESSES, ids=range(len(ADDRESSES)))
def test_no_address_of_a_webhook_is_anything_else(address: str, shop: Store) -> None:
    headers = {"Idempotency-Key": key(), "Content-Type": "application/json"}
    answer = shop.http.post("/webhooks", content=json.dumps({"url": address, "description": ""}), headers=headers)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
