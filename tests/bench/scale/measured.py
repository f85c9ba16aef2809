"""What an order of a new member takes today, and what is assumed of other machines; sources in deploy/scale/README.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Station:
    """CPU milliseconds of one order in one kind of process: before the answer, and in all until every event is read and mail sent."""

    name: str
    before_answer_ms: float
    in_all_ms: float
    # Python runs on one core of a process; PostgreSQL and NATS use what there is.
    one_core: bool = True


# `python -m tests.bench --quick` alone on two cores, new members at 32 clients, half of them with an e-mail address.
STATIONS = (
    Station("gateway", 1.87, 1.93),
    Station("orders-serve", 1.34, 1.34),
    Station("membership-serve", 1.20, 1.20),
    Station("identity_merge-serve", 0.11, 1.20),
    Station("postgres", 2.41, 3.76, one_core=False),
    Station("nats", 0.0, 0.69, one_core=False),
    Station("membership-work", 0.0, 0.53),
    Station("orders-work", 0.0, 0.16),
    Station("identity_merge-work", 0.0, 0.37),
    Station("notification-work", 0.0, 4.06),
)
# What workers and the broker do beside orders while these come in: it takes its share of the same two cores.
BESIDE_MS = 0.45 + 0.48 + 0.16 + 0.32 + 0.37 + 0.05
# That run: orders a second, clients, and cores that were left for it (somebody else used 0.48 of two, its own generator 0.02).
MEASURED_RATE, CLIENTS, CORES = 180.1, 32, 1.5

# Of each order: rows and indexes in four databases, write-ahead log, messages and their bytes in streams, flushes of the log.
DATABASE_BYTES, LOG_BYTES, MESSAGES, STREAM_BYTES, FLUSHES = 10_900, 25_000, 3.6, 2_590, 2.9
# Of the context that publishes most (membership), through its one relay into its one stream.
MESSAGES_OF_ONE_RELAY = 2.0
# Messages a second that one stream stores, 64 in flight, each synced to disk (measured for the limits of this machine).
STREAM_RATE = 3_778.0
MAILS = 1.0
MAILS_OF_A_PROCESS = 50.0  # ONEFOLD_MAIL_PER_SECOND, as it is set unless told otherwise

# Assumed: a database server's cores, how busy anything may be, a commit to a synchronous standby, the way between two processes.
SERVER_CORES, BUSY, COMMIT_MS, HOP_MS = 32, 0.6, 2.0, 0.3
COMMITS_BEFORE_ANSWER, HOPS = 2, 3
