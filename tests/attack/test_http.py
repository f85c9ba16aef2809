"""What comes over the wire: shapes that servers read differently, hosts that are made up, heads without end, and clients that are slow."""

from __future__ import annotations

import socket
import time

import pytest

from deploy.local.stack import Stack
from tests.attack.conftest import LONG_FORM
from tests.attack.wire import Wire, status

# More than the gateway has threads.
MANY = 40
HOST = b"Host: shop.example\r\n"
GET = b"GET /healthz HTTP/1.1\r\n" + HOST
POST = b"POST /api/v1/orders HTTP/1.1\r\n" + HOST
# What a proxy in front could take for a request of its own.
SECOND = b"GET /healthz HTTP/1.1\r\nHost: smuggled.example\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@pytest.fixture(scope="module")
def wire(stack: Stack) -> Wire:
    return Wire(stack.settings.gateway_url)


SMUGGLED = {
    "a length beside chunks": POST + b"Content-Length: 6\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SECOND,
    "chunks beside a length": POST + CHUNKED + b"Content-Length: 6\r\n" + b"\r\n0\r\n\r\n" + SECOND,
    "two lengths": POST + b"Content-Length: 6\r\nContent-Length: 0\r\n\r\nabcdef" + SECOND,
    "two lengths that are the same": POST + b"Content-Length: 6\r\nContent-Length: 6\r\n\r\nabcdef" + SECOND,
    "a list of lengths": POST + b"Content-Length: 6, 6\r\n\r\nabcdef" + SECOND,
    "a length with a sign": POST + b"Content-Length: +6\r\n\r\nabcdef" + SECOND,
    "a length below nothing": POST + b"Content-Length: -1\r\n\r\n" + SECOND,
    "a length in hexadecimal": POST + b"Content-Length: 0x6\r\n\r\nabcdef" + SECOND,
    "a length in full-width digits": POST + "Content-Length: ６\r\n\r\nabcdef".encode() + SECOND,
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "a coding after chunks": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SECOND,
    "a tab of the other kind": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + SECOND,
    "a folded line": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + SECOND,
    "a folded line that means nothing": GET + b"X: a\r\n b\r\n\r\n" + SECOND,
    "a name with an underscore": POST + b"Content_Length: 6\r\nContent-Length: x\r\n\r\n" + SECOND,
    "two hosts": GET + b"Host: other.example\r\n\r\n" + SECOND,
    "a NUL in a host": b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n" + SECOND,
    "a NUL in a field": GET + b"X: \x00b\r\n\r\n" + SECOND,
    "a bare CR in a field": GET + b"X: a\rb: c\r\n\r\n" + SECOND,
    "a line without a colon": GET + b"nothing\r\n\r\n" + SECOND,
    "a version that is none": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n" + SECOND,
    "no version": b"GET /\r\n\r\n" + SECOND,
    "a method in small letters": b"get / HTTP/1.1\r\n" + HOST + b"\r\n" + SECOND,
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECOND,
    "bytes of all kinds": bytes(range(256)) + b"\r\n\r\n" + SECOND,
    "an address that is no text": "GET /s/茶/login HTTP/1.1\r\n".encode() + HOST + b"\r\n" + SECOND,
    "a promise that nobody keeps": POST + b"Expect: 200-ok\r\nContent-Length: 0\r\n\r\n" + SECOND,
    "more fields than there may be": GET + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n" + SECOND,
    "a long field": GET + b"X: " + b"a" * 9_000 + b"\r\n\r\n" + SECOND,
    "a long address": b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n" + SECOND,
    "a head of 70 KB": GET + b"X: " + b"a" * 70_000,
}


@pytest.mark.parametrize("shape", SMUGGLED)
def test_what_servers_may_read_differently_is_refused_and_nothing_behind_it_is_read(shape: str, wire: Wire) -> None:
    """One answer, a refusal, and the connection is closed."""
    answers = wire.answers(SMUGGLED[shape])
    assert [status(each) // 100 in (4, 5) for each in answers] == [True], answers
    assert status(answers[0]) in (400, 414, 417, 431, 501), answers


@pytest.mark.parametrize("size", [b"-1", b"0x2", b"", b"g", b"2 ;", b"2;a\rb"])
def test_chunks_that_are_none_end_the_connection(size: bytes, wire: Wire) -> None:
    """The refusal may have been written before the body was looked at; nothing behind it is taken for a request."""
    answers = wire.answers(POST + CHUNKED + b"\r\n" + size + b"\r\nab\r\n0\r\n\r\n" + SECOND)
    assert {status(each) for each in answers} <= {400, 401}, answers


def test_requests_in_one_piece_are_all_answered(wire: Wire) -> None:
    """The other side of the above: three in order, the last after its head came in two halves."""
    with wire.open((GET + b"\r\n") * 2 + GET) as client:
        time.sleep(0.2)
        client.sendall(b"Connection: close\r\n\r\n")
        came = b""
        while piece := client.recv(65_536):
            came += piece
    assert came.count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"BREW", b"PROPFIND", b"QUERY"])
@pytest.mark.parametrize("path", [b"/", b"/api/v1/me", b"/console/login"])
def test_methods_that_no_route_has_are_refused(method: bytes, path: bytes, wire: Wire) -> None:
    (answer,) = wire.answers(
        method + b" " + path + b" HTTP/1.1\r\n" + HOST + b"X-Echo: me\r\nConnection: close\r\n\r\n"
    )
    assert status(answer) == 405
    assert b"X-Echo" not in answer


@pytest.mark.parametrize(
    "path",
    [
        *(
            b"/static/../../app.py",
            b"/static/..%2f..%2fapp.py",
            b"/static/%2e%2e/%2e%2e/app.py",
            b"/static/....//app.py",
        ),
        *(b"/static/css%00.css", b"/static/%5c..%5capp.py", b"/api/docs/assets/..%2f..%2f__init__.py"),
        *(b"/s/%ff%fe/login", b"/s/te%00a/login", b"/s/../console/", b"/console/..;/x", b"*"),
    ],
)
def test_no_path_leads_out_of_where_it_belongs(path: bytes, wire: Wire) -> None:
    (answer,) = wire.answers(b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
    assert status(answer) in (400, 404)
    assert b"import" not in answer


@pytest.mark.parametrize("host", [b"evil.example", b"evil.example:8000", b"shop.example@evil.example", b'"><script>'])
@pytest.mark.parametrize(
    "path", [b"/", b"/console", b"//console/login", b"/console/members", b"/s/nobody/", b"/api/v1/me"]
)
def test_no_answer_repeats_a_host_that_was_made_up(path: bytes, host: bytes, wire: Wire) -> None:
    """In whatever header it comes: not in an address to go to, and not in a page."""
    fields = b"Host: %b\r\nX-Forwarded-Host: %b\r\nForwarded: host=%b\r\nX-Original-URL: //%b/\r\n" % ((host,) * 4)
    (answer,) = wire.answers(b"GET " + path + b" HTTP/1.1\r\n" + fields + b"Connection: close\r\n\r\n")
    assert b"evil" not in answer
    assert b"<script>" not in answer


def test_addresses_that_are_told_by_nobody_are_not_believed(wire: Wire) -> None:
    """Without a proxy of our own these fields are anybody's: none lets http be taken for https, or an address for another."""
    fields = b"X-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.1\r\nX-Forwarded-Prefix: /evil\r\nX-Script-Name: /evil\r\n"
    (answer,) = wire.answers(b"GET /console/ HTTP/1.1\r\n" + HOST + fields + b"Connection: close\r\n\r\n")
    assert status(answer) == 302
    assert b"evil" not in answer
    assert b"Strict-Transport-Security" not in answer


# --- clients that are slow ----------------------------------------------------------------------------------------------
# Of somebody else's requests meanwhile, the slowest; on a busy machine it is some tenths of a second.
PATIENCE = 5.0
SCRIPT = b"GET /api/docs/assets/js/swagger-ui-bundle.js HTTP/1.1\r\n" + HOST + b"\r\n"
SLOW = {
    "send nothing": (b"", 0),
    "send a head without its end": (GET + b"X: ", 0),
    "send half of a form": (b"POST /console/login HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\na=", 0),
    "promise a large body": (POST + b"Content-Length: 900000\r\n\r\n{", 0),
    "send chunks without an end": (POST + CHUNKED + b"\r\n1\r\n{\r\n", 0),
    "read no answer": (SCRIPT, 2_048),
    "read none of many answers": (SCRIPT * 10, 2_048),
    "do not close their end": (GET + b"Connection: close\r\n\r\n", 0),
    "end in the next request": (GET + b"\r\n" + GET + b"X: ", 0),
}


@pytest.mark.parametrize("habit", SLOW)
def test_others_are_served_while_many_clients(habit: str, wire: Wire) -> None:
    """Once sixteen of them stopped the gateway for everybody: each held a thread, or the loop that accepts (gateway/worker.py)."""
    data, buffer = SLOW[habit]
    with wire.held(MANY, data, buffer):
        time.sleep(0.2)
        slowest = wire.slowest()
    print(f"while {MANY} clients {habit}: the slowest of 20 pages of somebody else after {slowest * 1_000:.0f} ms")
    assert slowest < PATIENCE


@LONG_FORM
def test_a_head_that_does_not_end_is_given_up(wire: Wire) -> None:
    """Also when a byte comes now and then."""
    begun = time.monotonic()
    with wire.open(GET) as client:
        client.settimeout(1)
        came = b""
        while not came and time.monotonic() - begun < 20:
            client.sendall(b"X")
            try:
                came = client.recv(1_024)
            except TimeoutError:
                continue
    assert status(came) == 408
    assert 8 < time.monotonic() - begun < 15


def test_where_there_are_as_many_connections_as_may_be_new_ones_are_answered(wire: Wire) -> None:
    """Whoever has waited longest goes: a thousand idle connections are not a closed door."""
    clients: list[socket.socket] = []
    try:
        for _ in range(1_050):
            clients.append(wire.open())
        assert wire.slowest(20) < PATIENCE
    finally:
        for client in clients:
            client.close()
