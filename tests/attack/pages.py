"""Forms as they are found in pages, and the pages by the gateway's own table of routes: new ones are covered by themselves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

import httpx
from werkzeug.routing import AnyConverter, Rule

from gateway.app import create_app
from services.common.config import Environment
from tests.component.gateway.conftest import Store, key
from tests.support.until import until
from tests.unit.gateway.conftest import SETTINGS

# What would end the walk, or lead to a provider elsewhere.
LEFT_OUT = ("logout", "sessions", "login/with")
# Pages after which something of the others is not there any more come last.
_LAST = ("refund", "cancel", "remove", "revoke", "delete", "erase")


@dataclass
class Form:
    """Where a form is sent, its fields as they stand there, and the names of all, boxes that are not ticked among them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[Form] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = named.get("method", "").lower() == "post"
            if self._inside:
                self.found.append(Form(named.get("action", "")))
        elif self._inside and tag in ("input", "textarea", "select", "button") and named.get("name"):
            if named.get("type") == "file":
                return
            if named["name"] not in self.found[-1].names:
                self.found[-1].names.append(named["name"])
            if named.get("type") not in ("checkbox", "radio") or "checked" in named:
                said = named.get("value") or ("1" if tag == "select" else "x")
                self.found[-1].fields.setdefault(named["name"], said)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"


def forms(browser: httpx.Client, path: str) -> list[Form]:
    """The forms of a page that change something; none where there is no page."""
    page = browser.get(path, follow_redirects=True)
    assert page.status_code < 500, path
    if not page.headers.get("Content-Type", "").startswith("text/html"):
        return []
    found = _Forms(page.text).found
    for form in found:
        form.action = form.action or page.url.raw_path.decode()
    return [form for form in found if not any(word in form.action for word in LEFT_OUT)]


def pages(area: str, values: Mapping[str, Sequence[str]]) -> list[str]:
    """Addresses of all pages of an area (console, storefront) whose parts have values; one for each value of each."""
    rules = [rule for rule in create_app(Environment(SETTINGS)).url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = [path for rule in rules if rule.endpoint.startswith(f"{area}.") for path in _built(rule, values)]
    return sorted(dict.fromkeys(found), key=lambda path: (any(word in path for word in _LAST), path))


def _built(rule: Rule, values: Mapping[str, Sequence[str]]) -> Iterator[str]:
    choices = {name: values.get(name, ()) for name in rule.arguments}
    for name, converter in rule._converters.items():
        if isinstance(converter, AnyConverter):
            choices[name] = sorted(converter.items)
    for chosen in itertools.product(*choices.values()):
        built = rule.build(dict(zip(choices, chosen, strict=True)))
        assert built
        yield built[1]


def things(shop: Store) -> dict[str, Sequence[str]]:
    """One or two of everything that a page of the console or the shop window can be about, by the names of the routes."""
    paid, unpaid = shop.order(), shop.order(paid=False)
    item = shop.post("/items", {"name_en": "Tea", "unit_price_minor": 100, "sold_online": True}).json()["item_id"]
    hook = shop.post("/webhooks", {"url": "http://127.0.0.1:9/", "description": "x"}).json()["webhook_id"]
    kept = shop.post("/saved-filters", {"name": f"all {key()[:8]}", "filter": {}}).json()["filter_id"]
    api_key = shop.post("/api-keys", {"name": "one", "scopes": ["orders:read"]}).json()["api_key_id"]
    mail = until(lambda: shop.get("/messages", order_id=paid["order_id"]).json()["items"], "the order's mail is noted")
    return {
        "slug": [shop.slug],
        "key": ["new"],
        "word": ["stripe"],
        "order_id": [paid["order_id"], unpaid["order_id"]],
        "customer_id": [shop.member()],
        "item_id": [item],
        "webhook_id": [hook],
        "filter_id": [kept],
        "key_id": [api_key],
        "message_id": [mail[0]["message_id"]],
        "staff_id": [entry["staff_id"] for entry in shop.get("/staff").json()["items"]],
    }
