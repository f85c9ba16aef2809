"""Who this process is, and the start of what it tells of itself."""

from __future__ import annotations

from dataclasses import dataclass

from services.common.config import Environment
from services.common.telemetry import exposition, spans


@dataclass(frozen=True, slots=True)
class Identity:
    """Names that go with everything the process tells. `watched`: whether somebody may come for its metrics."""

    service: str = ""
    process: str = ""
    watched: bool = False


_own = Identity()


def own() -> Identity:
    """Of this process; without names in what is no process of ours, as a test."""
    return _own


def start(environment: Environment, service: str, process: str) -> None:
    """Serves metrics and records spans as far as the environment asks for it. Raises ConfigError."""
    global _own
    listening = exposition.bind(environment)
    if listening:
        exposition.serve(listening)
    _own = Identity(service, process, listening is not None)
    record_spans(service, process)


def record_spans(service: str, process: str) -> None:
    """Records spans if the environment says where they go; after a fork, and once in a process."""
    if not spans.recording():
        spans.record(service, process)
