"""Small things that become large: files, pictures, packed bodies, documents without a bottom. Refused in time, and without the memory."""

from __future__ import annotations

import gzip
import io
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from deploy.local.stack import Stack
from tests.attack.conftest import LONG_FORM
from tests.component.gateway.conftest import Store, key
from tests.support.forms import csrf_token
from tests.support.pictures import jpeg, png

_MIB = 1024 * 1024
HEADER = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note\r\n"
# What a refusal may take on a busy machine, and a process more memory than before.
SECONDS, MORE_MIB = 20.0, 150


def _memory(stack: Stack) -> int:
    """The most that gateway and services ever had together, in MiB; of the gateway its workers."""
    pids = [stack.process(f"{context}-serve").pid for context in ("membership", "notification", "orders")]
    gateway = stack.process("gateway").pid
    pids += [int(pid) for pid in Path(f"/proc/{gateway}/task/{gateway}/children").read_text().split()]
    lines = [line for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line]
    return sum(int(line.split()[1]) for line in lines) // 1024


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "<Types/>")
        packed.writestr("xl/worksheets/sheet1.xml", b"\0" * 64 * _MIB)
    return file.getvalue()


def _made(content: bytes | Callable[[], bytes]) -> bytes:
    return content if isinstance(content, bytes) else content()


# What is large is made by the test that sends it: all three processes of a run read this file.
BODIES: dict[str, bytes | Callable[[], bytes]] = {
    "lists in lists": b'{"name_en":' + b"[" * 300_000,
    "objects in objects": b'{"name_en":' + b'{"a":' * 100_000,
    "a number of half a million digits": b'{"name_en":"Tea","unit_price_minor":' + b"9" * 500_000 + b"}",
    "a number far out": b'{"name_en":"Tea","unit_price_minor":1e999999999}',
    "no number": b'{"name_en":"Tea","unit_price_minor":NaN}',
    "ten thousand fields that are none": b"{" + b",".join(b'"f%d":1' % n for n in range(10_000)) + b"}",
    "the same field a hundred thousand times": b"{" + b'"a":1,' * 100_000 + b'"a":1}',
    "packed": lambda: gzip.compress(b" " * 64 * _MIB),
}


@pytest.mark.parametrize("kind", BODIES)
def test_documents_that_become_large_are_refused_in_time(kind: str, shop: Store, stack: Stack) -> None:
    content = _made(BODIES[kind])
    before, begun = _memory(stack), time.monotonic()
    headers = {"Idempotency-Key": key(), "Content-Type": "application/json"}
    if kind == "packed":
        headers["Content-Encoding"] = "gzip"
    answer = shop.http.post("/items", content=content, headers=headers)
    assert answer.status_code in (400, 413, 422), answer.text[:500]
    assert time.monotonic() - begun < SECONDS
    assert _memory(stack) - before < MORE_MIB
    assert len(answer.content) < 16_384


FILES: dict[str, bytes | Callable[[], bytes]] = {
    "a million columns": HEADER.encode() + b"," * 1_000_000,
    "columns alone": b"," * 2_000_000,
    "a million lines": HEADER.encode() + b"\r\n" * 1_000_000,
    "a million lines of a letter": HEADER.encode() + b"x\r\n" * 1_000_000,
    "a quote without an end": HEADER.encode() + b'"' + b"x\r\n" * 1_000_000,
    "one cell": HEADER.encode() + b"x" * 4 * _MIB,
    "quotes alone": HEADER.encode() + b'"' * 2_000_001,
    "NUL alone": b"\0" * 2 * _MIB,
    "a workbook that is a bomb": _zip,
    "packed": lambda: gzip.compress(b"a" * 64 * _MIB),
    "no text": bytes(range(256)) * 1_000,
}


@pytest.mark.parametrize("kind", FILES)
def test_files_of_members_that_are_none_are_refused_in_time(kind: str, shop: Store, stack: Stack) -> None:
    """D1: or taken with every row named as wrong; nobody becomes a member of them."""
    content = _made(FILES[kind])
    before, begun = _memory(stack), time.monotonic()
    headers = {"Idempotency-Key": key(), "Content-Type": "text/csv"}
    answer = shop.http.post("/imports?file_name=members.csv", content=content, headers=headers)
    assert answer.status_code in (201, 422), answer.text[:500]
    if answer.status_code == 201:
        assert not answer.json().get("good_rows"), answer.text[:500]
    assert time.monotonic() - begun < SECONDS
    assert _memory(stack) - before < MORE_MIB


@LONG_FORM
def test_fifteen_megabytes_of_commas_are_refused_in_time(shop: Store, stack: Stack) -> None:
    before, begun = _memory(stack), time.monotonic()
    headers = {"Idempotency-Key": key(), "Content-Type": "text/csv"}
    answer = shop.http.post("/imports?file_name=members.csv", content=b"," * 15 * _MIB, headers=headers)
    assert answer.status_code == 422
    assert time.monotonic() - begun < 3 * SECONDS
    assert _memory(stack) - before < 4 * MORE_MIB


PICTURES: dict[str, bytes | Callable[[], bytes]] = {
    "sixty thousand points square": png(1, 1).replace(b"\0\0\0\1\0\0\0\1", b"\0\0\xea\x60\0\0\xea\x60"),
    "as a JPEG": jpeg(60_000, 60_000),
    "script as SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "a page": b"<html><script>alert(1)</script>",
    "a page behind a PNG's first bytes": b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>",
    "a workbook": lambda: _zip()[: 128 * 1024],
    "nothing": b"\x89PNG",
}


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_that_are_none_or_become_large_are_no_logo(kind: str, shop: Store) -> None:
    """Nothing of ours unpacks a picture; what is kept is kept by its size in points and bytes."""
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=30) as browser:
        browser.cookies.set("onefold_session", shop.session_token)
        page = browser.get("/console/settings/look").text
        fields = {"csrf_token": csrf_token(page), "idempotency_key": key(), "accent": "#0b5d5b", "version": "0"}
        answer = browser.post(
            "/console/settings/look", data=fields, files={"logo": ("logo.png", _made(PICTURES[kind]), "image/png")}
        )
    assert answer.status_code == 422, answer.text[:300]
    assert "<script>alert" not in answer.text


def test_forms_of_ten_thousand_parts_are_refused(shop: Store) -> None:
    with httpx.Client(base_url=shop.url, trust_env=False, timeout=30) as browser:
        parts = {f"f{n}": (None, "x") for n in range(10_000)}
        assert browser.post("/console/login", files=parts).status_code == 413
        fields = {f"f{n}": "x" for n in range(60_000)}
        assert browser.post("/console/login", data=fields).status_code in (400, 413)
