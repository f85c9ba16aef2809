"""Structured logs: JSON lines by default, each with the request id and the trace; never personal data (architecture, rule 10).

An error is logged by its type, the places it came through and, of the database's, its code and the constraint: its words may repeat what
somebody typed, or a row. What libraries write by the standard library's logging becomes such lines, too.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from services.common import telemetry
from services.common.config import Environment

_MOST_FRAMES = 25


def _add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if request_id := telemetry.request_id.get():
        event.setdefault("request_id", request_id)
    if trace_id := telemetry.trace_id():
        event.setdefault("trace_id", trace_id)
    return event


def _describe_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    raised = event.pop("exc_info", None)
    if raised is True:
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    """The error and what it came from, the first of them first, without a word of theirs."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from _lines(cause)
        yield "then:"
    yield from _places(error.__traceback__)
    details = (getattr(error, name, None) for name in ("reason", "sqlstate", "constraint_name"))
    yield " ".join((f"{type(error).__module__}.{type(error).__qualname__}", *(str(x) for x in details if _is_name(x))))


def _is_name(detail: object) -> bool:
    return isinstance(detail, str) and detail.replace("_", "").isalnum() and detail.isascii()


def _places(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.extract_tb(trace)[-_MOST_FRAMES:]:
        yield f"  {frame.filename}:{frame.lineno} {frame.name}"


def _to_json(event: EventDict, **_: object) -> str:
    return orjson.dumps(event, default=str).decode()


def configure(environment: Environment, **fixed: str) -> None:
    """Sets up logging for the process. `fixed` goes into every line (service, process)."""
    level = logging.getLevelNamesMapping()[environment.text("LOG_LEVEL", "info").upper()]
    console = environment.text("LOG_FORMAT", "json") == "console"
    renderer = (
        structlog.dev.ConsoleRenderer(colors=False)
        if console
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_ids,
        _describe_error,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(**fixed)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Line([*shared, renderer], fixed))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


class _Line(logging.Formatter):
    """A library's warning as one of our lines: what it says before any argument is put in, and of several lines the first."""

    def __init__(self, processors: Sequence[Processor], fixed: Mapping[str, str]) -> None:
        super().__init__()
        self._processors = processors
        self._fixed = fixed

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        words = str(record.msg).partition("\n")[0]
        line: Any = {**self._fixed, "event": words, "logger": record.name, "exc_info": record.exc_info}
        for process in self._processors:
            line = process(None, record.levelname.lower(), line)
        return str(line)
