"""That `make faults` would tell if something were wrong, and replays."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from itertools import islice

import httpx
import pytest

from tests.faults.client import Shop, somebody
from tests.faults.soak.effects import differences
from tests.faults.soak.history import FAILED, OK, UNKNOWN, Operation
from tests.faults.soak.links import Link, Links
from tests.faults.soak.plan import KILLED, lane
from tests.faults.system import System

pytestmark = [pytest.mark.fault, pytest.mark.timeout(400)]


def test_what_does_not_stand_as_it_was_told_is_found(system: System, shop: Shop) -> None:
    """An order that was called taken and is not there, one that was refused and is there, one that is there twice."""
    shop.order(somebody(), external_reference="refused")
    for _ in range(2):
        shop.order(somebody(), external_reference="twice")
    told = {"lost": OK, "refused": FAILED, "twice": UNKNOWN, "nowhere": UNKNOWN}
    wrong = differences(system, shop.store_id, [_operation(tag, outcome) for tag, outcome in told.items()])
    assert [each.split()[1] for each in wrong] == ["lost", "refused", "twice"]


def test_an_answer_at_the_door_says_nothing_of_an_earlier_try() -> None:
    """401 after a broken connection leaves open what became of the wish; alone it is a no."""
    answers: Iterator[httpx.Response | Exception] = iter(
        [httpx.ReadError("gone"), httpx.Response(401), httpx.Response(200)]
    )

    def send() -> httpx.Response:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    operation, outcomes = _operation("tag", UNKNOWN), []
    operation.send = send
    for _ in range(3):
        operation.attempt()
        outcomes.append(operation.outcome)
    assert outcomes == [UNKNOWN, UNKNOWN, OK]


def test_a_seed_plans_the_same_faults_again() -> None:
    """Who breaks when and for how long; another seed is another plan."""
    plans = [list(islice(lane(seed, "kills", [KILLED], (1, 2), 600, spare=True), 50)) for seed in (7, 7, 8)]
    assert plans[0] == plans[1] != plans[2]


def test_a_way_is_slow_or_breaks_as_it_is_told() -> None:
    """An answer takes as long as the way does; a connection that is reset ends for both."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        links = Links(1)
        port = links.way("here", "there", server.getsockname()[1])
        threading.Thread(target=_echo, args=(server,), daemon=True).start()
        [link] = links.of("here")
        with socket.create_connection(("127.0.0.1", port), timeout=5) as way:
            assert _there_and_back(way, link, 0.0) < 0.2
            assert _there_and_back(way, link, 0.3) >= 0.3
            links.cut([link])
            with pytest.raises(ConnectionResetError):
                way.recv(1)
        links.close()


def _echo(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        try:
            while data := connection.recv(100):
                connection.sendall(data)
        except ConnectionResetError:
            return


def _there_and_back(way: socket.socket, link: Link, delay: float) -> float:
    link.delay, began = delay, time.monotonic()
    way.sendall(b"?")
    assert way.recv(1) == b"?"
    return time.monotonic() - began


def _operation(tag: str, outcome: str) -> Operation:
    return Operation("order", "test", tag, "order", tag, lambda: httpx.Response(200), outcome=outcome)
