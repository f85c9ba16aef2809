"""Known formulas of queues, against which the simulation is held."""

from __future__ import annotations


def erlang_c(servers: int, offered: float) -> float:
    """The probability that an arrival must wait in M/M/c; `offered` is arrivals times service time, below `servers`."""
    blocked = 1.0  # Erlang B, by its recursion
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked / (1 - (offered / servers) * (1 - blocked))


def mean_wait(servers: int, arrivals: float, service: float) -> float:
    """Mean time in the queue of M/M/c, in the unit of `service`; `arrivals` in its inverse."""
    offered = arrivals * service
    return erlang_c(servers, offered) * service / (servers - offered)
