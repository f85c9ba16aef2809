"""What was asked, and what was answered: each operation ends as ok, failed or unknown, and the databases are held against that."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.client import Json

OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
_DOOR = frozenset({401, 403, 429})
PATIENCE_SECONDS = 60.0
# Some clients never ask again; what became of their wish is found at the end.
_GIVES_UP = 0.25
Send = Callable[[], httpx.Response]


@dataclass(slots=True)
class Operation:
    """One wish of one client, under one key however often it is sent.

    `effect` and `tag` say where in the databases to look for what became of it (effects.py); without them there is nothing to look for.
    """

    flow: str
    actor: str
    key: str
    effect: str
    tag: str
    send: Send
    # Of how many rows its effect consists.
    size: int = 1
    # When it began, in seconds from the beginning of the run.
    began: float = 0.0
    ended: float = 0.0
    tries: list[str] = field(default_factory=list)
    outcome: str = UNKNOWN
    response: httpx.Response | None = None

    @property
    def document(self) -> Json:
        """The answer's JSON. Only of what ended ok."""
        assert self.response is not None, "nothing was answered"
        document: Json = self.response.json()
        return document

    def attempt(self) -> None:
        """Sends it once. What comes after an unknown answer decides: a key is good for one effect."""
        try:
            response = self.send()
        except httpx.TransportError as error:
            self.tries.append(type(error).__name__)
            self.outcome = UNKNOWN
            return
        self.tries.append(str(response.status_code))
        self.response = response
        if response.status_code < 400:
            self.outcome = OK
        elif response.status_code >= 500:
            self.outcome = UNKNOWN
        else:
            # Who is stopped at the door is told nothing of what became of an earlier try.
            at_the_door = response.status_code in _DOOR and len(self.tries) > 1
            self.outcome = UNKNOWN if at_the_door else FAILED
            self.tries[-1] += f" {_reason(response)}"

    def line(self) -> str:
        """For the file."""
        names = ("flow", "actor", "key", "effect", "tag", "size", "began", "ended", "tries", "outcome")
        return json.dumps({name: getattr(self, name) for name in names})


def _reason(response: httpx.Response) -> str:
    if "json" not in response.headers.get("Content-Type", ""):
        return "page"
    document = response.json()
    inner = ",".join(sorted({error["reason"] for error in document.get("errors", ())}))
    return f"{document.get('reason', '')}{f'({inner})' if inner else ''}"


class History:
    """All operations of a run, and how they stand. Safe for threads."""

    def __init__(self, file: Path | None = None) -> None:
        self.operations: list[Operation] = []
        self.counts: Counter[tuple[str, str]] = Counter()
        # Answers that no client should get: 500 is nowhere in the documentation.
        self.defects: Counter[str] = Counter()
        # Why the API said no.
        self.refusals: Counter[str] = Counter()
        self.longest_wait = 0.0
        self.last_ok = 0.0
        self._began = time.monotonic()
        self._lock = threading.Lock()
        self._file = file.open("w") if file else None

    @property
    def now(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._began

    def ask(self, operation: Operation, dice: random.Random, stop: threading.Event) -> Operation:
        """Sends it as a patient client does, or one that gives up; writes down what came of it."""
        patience = 0.0 if dice.random() < _GIVES_UP else PATIENCE_SECONDS
        operation.began = self.now
        pause = 0.1
        while True:
            operation.attempt()
            if operation.outcome != UNKNOWN or self.now - operation.began > patience or stop.is_set():
                break
            stop.wait(pause)
            pause = min(2.0, pause * 2)
        operation.ended = self.now
        self._note(operation)
        return operation

    def _note(self, operation: Operation) -> None:
        with self._lock:
            self.operations.append(operation)
            self.counts[operation.flow, operation.outcome] += 1
            self.defects.update(f"{operation.flow}: HTTP 500" for each in operation.tries if each.startswith("500"))
            if operation.outcome == FAILED:
                self.refusals[f"{operation.flow}: {operation.tries[-1]}"] += 1
            if operation.outcome == OK:
                self.last_ok = max(self.last_ok, operation.began)
                self.longest_wait = max(self.longest_wait, operation.ended - operation.began)
            if self._file:
                self._file.write(operation.line() + "\n")
                self._file.flush()

    def totals(self) -> dict[str, int]:
        """Operations by outcome."""
        with self._lock:
            found = Counter[str]()
            for (_, outcome), count in self.counts.items():
                found[outcome] += count
        return {outcome: found[outcome] for outcome in (OK, FAILED, UNKNOWN)}

    def by_flow(self) -> dict[str, dict[str, int]]:
        """Operations by flow and outcome."""
        with self._lock:
            flows = sorted({flow for flow, _ in self.counts})
            return {flow: {o: self.counts[flow, o] for o in (OK, FAILED, UNKNOWN)} for flow in flows}

    def unknown(self) -> list[Operation]:
        """Of which nobody knows yet what became."""
        with self._lock:
            return [each for each in self.operations if each.outcome == UNKNOWN]

    def close(self) -> None:
        """Closes the file."""
        if self._file:
            self._file.close()
