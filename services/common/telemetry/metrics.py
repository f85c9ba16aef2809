"""What is counted, for Prometheus: every metric that the code itself keeps, with its labels.

Labels come from the code alone (methods, routes, event types, queues, channels, states), so their number is bounded, and they never name
a store or a person. `sampling` adds what is read from the databases.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# The time at which a series began doubles what is served, and nobody here looks at it.
disable_created_metrics()  # type: ignore[no-untyped-call]
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)


class Durations:
    """A histogram of seconds, whose labels are looked up at a dictionary's price: they are asked for with every call."""

    def __init__(self, name: str, words: str, labels: tuple[str, ...]) -> None:
        self._histogram = Histogram(name, words, labels, buckets=_BUCKETS)
        self._known: dict[tuple[str, ...], Callable[[float], None]] = {}

    def observe(self, seconds: float, *labels: str) -> None:
        """Counts one that took so many seconds."""
        known = self._known.get(labels)
        if known is None:
            known = self._known[labels] = self._histogram.labels(*labels).observe
        known(seconds)


RPC_SERVED = Durations("onefold_rpc_server_seconds", "Calls answered, by method and gRPC code", ("method", "code"))
RPC_MADE = Durations(
    "onefold_rpc_client_seconds", "Calls made to services, by method and gRPC code", ("method", "code")
)
HTTP_SERVED = Durations(
    "onefold_http_request_seconds",
    "Requests answered by the gateway, by the route's template and the class of the status",
    ("method", "route", "status"),
)
ENROLMENTS_DEFERRED = Counter(
    "onefold_enrolments_deferred_total",
    "Orders whose customer is linked by the event, not by the reply",
    ["call", "reason"],
)
EVENTS_PUBLISHED = Counter("onefold_events_published_total", "Events that the broker has stored", ["service"])
EVENTS_APPLIED = Counter(
    "onefold_events_applied_total", "Events that took effect, by who reads and who published", ["service", "publisher"]
)
EVENTS_FAILED = Counter(
    "onefold_events_failed_total",
    "Events that did not take effect at a delivery: they wait, come again, or are buried as dead letters",
    ["service", "publisher", "outcome"],
)
MESSAGES_SETTLED = Counter(
    "onefold_messages_settled_total", "What attempts to send a message came to", ["channel", "state"]
)
WEBHOOKS_SETTLED = Counter("onefold_webhooks_settled_total", "What attempts to send a webhook came to", ["state"])
SERVER_AWAY = Gauge(
    "onefold_message_server_away", "1 while the mail server or the provider of SMS counts as away", ["channel"]
)
READY = Gauge(
    "onefold_ready", "1 while the process says that it is ready, by what it needs", ["service", "process", "need"]
)
CONNECTIONS_IN_USE = Gauge(
    "onefold_database_connections_in_use", "Connections of the process that somebody holds", ["service", "process"]
)
CONNECTIONS_MOST = Gauge(
    "onefold_database_connections_most", "How many of them there may be at a time", ["service", "process"]
)
QUEUE_LENGTH = Gauge(
    "onefold_queue_length", "What waits to be done, of all stores; counted to a limit", ["service", "queue"]
)
QUEUE_OLDEST = Gauge(
    "onefold_queue_oldest_seconds",
    "For how long the oldest of it has been waiting; 0 when nothing does",
    ["service", "queue"],
)
CONSUMER_PENDING = Gauge(
    "onefold_consumer_pending", "Events of a stream that a reader has not been sent yet", ["service", "publisher"]
)
CONSUMER_UNACKNOWLEDGED = Gauge(
    "onefold_consumer_unacknowledged",
    "Events that a reader has been sent and has not acknowledged",
    ["service", "publisher"],
)
SAMPLED = Gauge(
    "onefold_sampled_timestamp_seconds", "When queues and consumers were last looked at, Unix time", ["service"]
)
