"""Structured logs: JSON lines by default, each with the request id; never personal data (architecture, rule 10)."""

from __future__ import annotations

import logging
import sys

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

from services.common import telemetry
from services.common.config import Environment


def _add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    if request_id := telemetry.request_id.get():
        event.setdefault("request_id", request_id)
    return event


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
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_request_id,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(**fixed)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stderr)
