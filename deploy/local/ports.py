"""Ports on the loopback interface."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable, Mapping

LOOPBACK = "127.0.0.1"
# Below the range from which Linux takes the ports of outgoing connections, so that a port once chosen stays free.
_FIRST, _LAST = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def choose(names: Iterable[str], kept: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name: the kept ones when all of them are free, else a new row of neighbours."""
    wanted = list(names)
    if all(name in kept and is_free(kept[name]) for name in wanted):
        return {name: kept[name] for name in wanted}
    step = len(wanted)
    while True:
        first = random.randrange(_FIRST, _LAST - step)  # noqa: S311 - a port number is no secret
        row = {name: first + index for index, name in enumerate(wanted)}
        if all(is_free(port) for port in row.values()):
            return row
