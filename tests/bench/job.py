"""What the bench asks of a load generator, and what it hears back: JSON between two processes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from tests.bench.client import Api
from tests.bench.people import Person


@dataclass(frozen=True, slots=True)
class Job:
    """One flow under one load, bounded by `seconds` and by `most` requests.

    `place` is where new buyers begin (people.people), `people` are buyers that exist, `target` is a gRPC address, `per_second`
    the pace of a flow that keeps one, `databases` the URLs by context of a flow that looks into them.
    """

    flow: str
    gateway_url: str
    api_key: str
    clients: int = 1
    seconds: float = 8.0
    most: int = 1_000_000
    place: int = 0
    email_share: float = 0.5
    people: Sequence[Person] = ()
    target: str = ""
    per_second: float = 0.0
    databases: Mapping[str, str] = field(default_factory=dict)

    @property
    def api(self) -> Api:
        """The gateway with the credential."""
        return Api(self.gateway_url, self.api_key)

    def encode(self) -> bytes:
        """One line."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Job:
        """From one line."""
        value = orjson.loads(line)
        return cls(**{**value, "people": [Person(**person) for person in value["people"]]})


@dataclass(slots=True)
class Outcome:
    """What a flow came to. Latencies are milliseconds by name; `counts` say how often what was answered."""

    seconds: float = 0.0
    done: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    generator_cpu_seconds: float = 0.0
    first_error: str = ""

    def count(self, what: str) -> None:
        """One more."""
        self.counts[what] = self.counts.get(what, 0) + 1

    def took(self, what: str, seconds: float) -> None:
        """One more latency."""
        self.latencies.setdefault(what, []).append(seconds * 1e3)

    def fault(self, what: str, detail: str) -> None:
        """Something that must not happen in a bench."""
        self.count(f"fault: {what}")
        self.first_error = self.first_error or f"{what}: {detail}"[:500]

    @property
    def faults(self) -> int:
        """How often something went wrong that the system must not do under load."""
        return sum(count for what, count in self.counts.items() if what.startswith("fault: "))

    @property
    def per_second(self) -> float:
        """Done per second."""
        return self.done / self.seconds if self.seconds else 0.0

    def encode(self) -> bytes:
        """One line."""
        return orjson.dumps(asdict(self)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Outcome:
        """From one line."""
        value = orjson.loads(line)
        return cls(**{**value, "people": [Person(**person) for person in value["people"]]})

    def summary(self) -> dict[str, Any]:
        """For the results: rates, counts, and each latency's median, 99th percentile and maximum in milliseconds."""
        return {
            "seconds": round(self.seconds, 2),
            "done": self.done,
            "per_second": round(self.per_second, 1),
            "counts": self.counts,
            "first_error": self.first_error,
            "latencies": {name: percentiles(values) for name, values in self.latencies.items()},
        }


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Count, p50, p95, p99 and maximum by the nearest-rank method; zeros of nothing."""
    ranked = sorted(values)
    if not ranked:
        return {"n": 0, "p50": 0.0, "p95": 0.0, "p99": 0.0, "max": 0.0}

    def rank(share: float) -> float:
        return round(ranked[max(0, math.ceil(len(ranked) * share) - 1)], 2)

    return {"n": len(ranked), "p50": rank(0.50), "p95": rank(0.95), "p99": rank(0.99), "max": rank(1.0)}
