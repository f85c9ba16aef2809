"""A span for each statement, by whichever way it goes to the database; installed only where spans are recorded."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from services.common.telemetry import spans


def watch(engine: AsyncEngine) -> None:
    """Records the statements of an engine's connections: SQLAlchemy's by its own events, the driver's by the driver's."""
    if not spans.recording():
        return
    sync = engine.sync_engine
    event.listen(sync, "connect", _watch_driver)
    event.listen(sync, "before_cursor_execute", _note_start)
    event.listen(sync, "after_cursor_execute", _note_end)
    event.listen(sync, "handle_error", _note_failure)


def _watch_driver(connection: Any, _record: Any) -> None:
    connection.driver_connection.add_query_logger(_note_of_driver)


def _note_of_driver(query: Any) -> None:
    spans.statement(query.query, query.elapsed, query.exception is not None)


def _note_start(_c: Any, _cursor: Any, _sql: str, _values: Any, context: Any, _many: bool) -> None:
    context.onefold_started = time.perf_counter()


def _note_end(_c: Any, _cursor: Any, sql: str, _values: Any, context: Any, _many: bool) -> None:
    spans.statement(sql, time.perf_counter() - context.onefold_started, failed=False)


def _note_failure(failure: Any) -> None:
    context = failure.execution_context
    if context is not None and failure.statement:
        started = getattr(context, "onefold_started", time.perf_counter())
        spans.statement(failure.statement, time.perf_counter() - started, failed=True)
