"""Buyers and their orders, made by arithmetic: no two buyers of a run share a phone or an e-mail."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import phonenumbers

from deploy.local.cdnow import name_of

# Beginnings of Hong Kong mobiles; none of those that the CDNOW loader uses, so that an attached stack's buyers are new too.
_BEGINNINGS = ("44", "51", "52", "53", "54", "59", "60", "62", "66", "67", "68", "92", "93", "95")
_NUMBERS = len(_BEGINNINGS) * 1_000_000
_STEP = 6_366_977  # coprime to _NUMBERS: walking by it visits every number once, in an order that looks random


@dataclass(frozen=True, slots=True)
class Person:
    """A buyer. `email` may be empty; `customer_id` is known once the buyer has bought."""

    name: str
    phone: str
    email: str
    customer_id: str = ""


def start_of_run() -> int:
    """Where a run's walk through the numbers begins."""
    return random.randrange(_NUMBERS)


def people(start: int, email_share: float) -> Iterator[Person]:
    """Endless new people from the place `start` on; `email_share` (0 to 1) of them have an e-mail."""
    share, number = 0.0, start
    while True:
        number += 1
        place = number * _STEP % _NUMBERS
        phone = f"+852{_BEGINNINGS[place // 1_000_000]}{place % 1_000_000:06d}"
        if not _is_mobile(phone):
            continue
        share += email_share
        email = f"b{place}@buyers.example" if share >= 1 else ""
        share -= 1 if share >= 1 else 0
        yield Person(name_of(place), phone, email)


def _is_mobile(phone: str) -> bool:
    number = phonenumbers.parse(phone)
    kind = phonenumbers.number_type(number) if phonenumbers.is_valid_number(number) else None
    return kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)


def order_of(person: Person, number: int) -> dict[str, object]:
    """A paid order as the REST API takes it: one to three lines; an address when the buyer has an e-mail (it is shipped)."""
    order: dict[str, object] = {
        "paid": True,
        "currency": "HKD",
        "channel": "api",
        "payment_method": "card",
        "lines": [
            {
                "sku": f"SKU-{number % 89 + line}",
                "title": "手工曲奇禮盒 Cookie box",
                "quantity": line,
                "unit_price_minor": 12_800,
            }
            for line in range(1, number % 3 + 2)
        ],
    }
    if person.customer_id:
        return order | {"customer_id": person.customer_id}
    contact = asdict(person)
    del contact["customer_id"]
    order |= {"contact": contact, "add_as_member": True}
    if person.email:
        address = {
            "recipient": person.name,
            "lines": [f"彌敦道 {number % 700 + 1} 號", "5 樓 A 室"],
            "district": "旺角",
        }
        order["shipping_address"] = address | {"city": "九龍", "country": "HK"}
    return order


def id_at(at: str, seed: str) -> str:
    """SQL of an id that sorts as a UUIDv7 of the moment `at` (RFC 9562), the same for the same `seed`; both are expressions."""
    return f"""CAST(lpad(to_hex(CAST(extract(epoch FROM {at}) * 1000 AS bigint)), 12, '0') || '7' || substr(md5({seed}), 1, 19)
 AS uuid)"""
