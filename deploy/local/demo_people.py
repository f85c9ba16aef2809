"""A handful of made-up people in the demo store, whom the CDNOW data has not: the same person twice, a family, guests who can be invited.

They come through the REST API as a merchant's own would, once: whoever finds them there leaves them alone.
"""

from __future__ import annotations

import json
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

_SECONDS = 20
_NATHAN_ROAD = ("彌敦道 688 號 12 樓 A 室", "旺角")
_PEARL_STREET = ("12 Pearl Street, 3/F", "Sham Shui Po")


@dataclass(frozen=True, slots=True)
class Somebody:
    """One record of somebody, and what it ordered: title, cents."""

    name: str
    phone: str
    email: str
    birthday: str = ""
    # Lines, then the district.
    address: tuple[str, str] = ("", "")
    member: bool = True
    order: tuple[str, int] = ("Oolong tea leaves, 150 g", 16_800)


# Records of one person stand together. None of the numbers is of the CDNOW data, nor anybody's that is known to us.
PEOPLE = (
    # In Chinese at the counter, in letters on the phone: another number, the same birthday and mailbox.
    Somebody("陳大文", "+85251234501", "taiman.chan@mail.example", "1985-03-12", _NATHAN_ROAD),
    Somebody("Chan Tai Man", "+85251234510", "tai.man.chan@mail.example", "1985-03-12"),
    # A slip of the finger in the phone, day and month turned round.
    Somebody("林美玲", "+85251234602", "meiling.lam@mail.example", "1991-04-09", _PEARL_STREET),
    Somebody("林美玲", "+85251234620", "meiling.lam@mial.example", "1991-09-04", _PEARL_STREET),
    # Two spellings of one name.
    Somebody("Wong Tsz Hin", "+85251234703", "th.wong@mail.example", "1979-11-30"),
    Somebody("WONG, Tsz-hin", "+85251234730", "wongtszhin@mail.example", "1979-11-30"),
    # Twins: all but the given name is the same, and they are two.
    Somebody("黃嘉欣", "+85251234804", "kayan.wong@mail.example", "2001-07-21", _NATHAN_ROAD),
    Somebody("黃嘉怡", "+85251234840", "kayi.wong@mail.example", "2001-07-21", _NATHAN_ROAD),
    # Guests; the last has ordered twice.
    Somebody("何小姐", "+85251234905", "miss.ho@mail.example", member=False, order=("Tea cup, pair", 13_600)),
    Somebody("Kelvin Yip", "+85251234906", "kelvin.yip@mail.example", member=False, order=("Tote bag", 8_800)),
    Somebody("曾雅婷", "+85251234907", "ngating@mail.example", member=False, order=("Porcelain tea pot", 48_000)),
    Somebody("曾雅婷", "+85251234907", "ngating@mail.example", member=False, order=("Gift wrapping", 1_500)),
)


def ensure(gateway_url: str, api_key: str) -> None:
    """Has those in who are not there, and likely duplicates looked for. Raises OSError while the API is away."""
    api = _Api(f"{gateway_url}/api/v1", api_key)
    if api.get("/customers", query=PEOPLE[0].email)["items"]:
        return
    for somebody in reversed(PEOPLE):  # the first is the sign that all are there
        _bring(api, somebody)
    api.send("POST", "/duplicates/scan", {})


def _bring(api: _Api, somebody: Somebody) -> None:
    title, price = somebody.order
    street, district = somebody.address
    body: dict[str, Any] = {
        "paid": True,
        "currency": "HKD",
        "contact": {"name": somebody.name, "phone": somebody.phone, "email": somebody.email},
        "add_as_member": somebody.member,
        "lines": [{"title": title, "quantity": 1, "unit_price_minor": price}],
        "payment_method": "card",
    }
    if street:
        body["shipping_address"] = {
            "recipient": somebody.name,
            "lines": [street],
            "district": district,
            "country": "HK",
        }
    customer = api.send("POST", "/orders", body)["customer"]
    if somebody.birthday and customer:
        change = {"expected_version": 0, "birthday": somebody.birthday}
        api.send("PATCH", f"/customers/{customer['customer_id']}", change)


class _Api:
    def __init__(self, url: str, api_key: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def get(self, path: str, **query: str) -> Any:
        return self._ask(urllib.request.Request(f"{self._url}{path}?{urlencode(query)}", headers=self._headers))

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        headers = self._headers | {"Idempotency-Key": str(uuid.uuid4())}
        wish = urllib.request.Request(f"{self._url}{path}", json.dumps(body).encode(), headers, method=method)
        return self._ask(wish)

    def _ask(self, wish: urllib.request.Request) -> Any:
        with self._opener.open(wish, timeout=_SECONDS) as answer:
            return json.load(answer)
