"""Imports of as many new members as a file may have (A6, D): the dry run, and from the confirmation until all are members."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import httpx

from deploy.local.demo import SLUG
from deploy.local.state import RunningStack
from services.common.identifiers import EMAIL, PHONE, IdentifierHasher
from services.common.ids import new_id
from services.membership.domain import search_text
from tests.bench.people import Person, people
from tests.bench.site import Site

_HEADER = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
_POLL_SECONDS, _LONGEST_SECONDS = 0.02, 120.0
_COLUMNS = {
    "customers": (
        "store_id",
        "customer_id",
        "status",
        "name",
        "phone",
        "email",
        "language",
        "source",
        "created_at",
        "joined_at",
        "version",
    ),
    "customer_search": ("store_id", "customer_id", "member", "since", "haystack", "grams"),
    "identifiers": ("store_id", "kind", "digest", "value", "customer_id", "state"),
}


def measure(site: Site) -> None:
    """The whole part."""
    rows = site.pace.rows
    site.say(f"imports of {rows} rows")
    place = site.job("", 1, 1.0).place
    newcomers = list(itertools.islice(people(place, 0.5), rows * (site.pace.files + 2)))
    checked, done = [], []
    headers = {"Authorization": f"Bearer {site.api_key}"}
    url = f"{site.running.gateway_url}/api/v1"
    with site.watched() as watched, httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as http:
        for number in range(site.pace.files + 1):
            times = _import(site, http, newcomers[number * rows : (number + 1) * rows])
            if number:  # the first prepares statements
                checked.append(times[0])
                done.append(times[1])
    site.settle()
    took = asyncio.run(_copied(site.running, newcomers[-rows:]))
    floor = site.floor(f"COPY of {rows} members and what they are found by", round(took, 1), "ms")
    for name, milliseconds in (
        (f"import of {rows} rows: upload and dry run", checked),
        (f"import of {rows} rows: confirmed until all are members", done),
    ):
        value = sorted(milliseconds)[len(milliseconds) // 2]
        values = {
            "part": "import",
            "name": name,
            "unit": "ms",
            "value": round(value, 1),
            "better": "lower",
            "clients": 1,
        }
        site.figure(values | watched, took=milliseconds, floor=floor)


def _import(site: Site, http: httpx.Client, newcomers: list[Person]) -> tuple[float, float]:
    lines = (f"{who.name},{who.phone},{who.email},,,,,30,," for who in newcomers)
    content = "\r\n".join((_HEADER, *lines)).encode()
    began = time.perf_counter()
    made = http.post("/imports", content=content, headers={"Idempotency-Key": str(uuid4()), "Content-Type": "text/csv"})
    found = made.raise_for_status().json()
    checked = time.perf_counter()
    if found["rows"]["ready"] != len(newcomers):
        site.fault(f"of {len(newcomers)} rows of an import {found['rows']['ready']} are ready")
    path = f"/imports/{found['import_id']}"
    wish = {"check_number": found["check_number"], "send_confirmations": False}
    http.post(f"{path}/confirm", json=wish, headers={"Idempotency-Key": str(uuid4())}).raise_for_status()
    while not (state := http.get(path).raise_for_status().json()).get("finished_at"):
        if time.perf_counter() > checked + _LONGEST_SECONDS:
            site.fault(f"an import did not end within {_LONGEST_SECONDS:.0f} s")
            break
        time.sleep(_POLL_SECONDS)
    if state["rows"]["imported"] != len(newcomers):
        site.fault(f"of {len(newcomers)} rows of an import {state['rows']['imported']} became members")
    return (checked - began) * 1e3, (time.perf_counter() - checked) * 1e3


async def _copied(running: RunningStack, newcomers: list[Person]) -> float:
    """Milliseconds in which the database takes the same rows in one go, indexes and triggers included; then they are taken back."""
    identity = await asyncpg.connect(running.databases["identity_merge"].admin)
    store_id = await identity.fetchval("SELECT store_id FROM stores WHERE slug = $1", SLUG)
    await identity.close()
    rows = _rows(store_id, newcomers)
    membership = await asyncpg.connect(running.databases["membership"].admin)
    transaction = membership.transaction()
    await transaction.start()
    began = time.perf_counter()
    for table, records in rows.items():
        await membership.copy_records_to_table(table, records=records, columns=_COLUMNS[table])
    took = (time.perf_counter() - began) * 1e3
    await transaction.rollback()
    await membership.close()
    return took


def _rows(store_id: UUID, newcomers: list[Person]) -> dict[str, list[tuple[object, ...]]]:
    now, hasher = datetime.now(UTC), IdentifierHasher("k" * 32)
    rows: dict[str, list[tuple[object, ...]]] = {table: [] for table in _COLUMNS}
    for who in newcomers:
        customer_id, found_by = new_id(), search_text(who.name, who.phone, who.email)
        rows["customers"].append(
            (store_id, customer_id, 2, who.name, who.phone, who.email, "en", "import", now, now, 1)
        )
        rows["customer_search"].append((store_id, customer_id, True, now, found_by.haystack, found_by.grams))
        for kind, value in ((PHONE, who.phone), (EMAIL, who.email)):
            if value:
                rows["identifiers"].append((store_id, kind, hasher.digest(kind, value), value, customer_id, "live"))
    return rows
