"""Traces by the OpenTelemetry SDK, sent by OTLP over HTTP to OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is loaded and nothing done.

A span's parent is the traceparent of `context`, whoever set it: a call, an event or the span around. What is recorded is decided where
a trace begins (OTEL_TRACES_SAMPLER, by default all of it) and holds for the whole trace. Attributes name methods, routes, tables and
event types: no values, no addresses, no words of an error, which may repeat what somebody typed.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING

from opentelemetry.context import Context
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from services.common.telemetry import context

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# A collector that hangs must not hold up the end of a process, which has 30 s for everything (rule 9).
EXPORT_SECONDS = 3.0
CLIENT, CONSUMER, PRODUCER, SERVER = SpanKind.CLIENT, SpanKind.CONSUMER, SpanKind.PRODUCER, SpanKind.SERVER
Value = str | int
_NOTHING: AbstractContextManager[Span] = nullcontext(INVALID_SPAN)
_tracer: Tracer | None = None


def record(service: str, process: str) -> TracerProvider | None:
    """Begins to record, in this process and not before a fork, if the environment says where spans go."""
    global _tracer
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    # Loaded here: it would cost every process 5 MiB and a tenth of a second.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource.create(
            {"service.namespace": "onefold", "service.name": f"{service}-{process}", "process.pid": os.getpid()}
        )
    )
    patience = None if os.environ.get("OTEL_EXPORTER_OTLP_TIMEOUT") else EXPORT_SECONDS
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=patience)))
    _tracer = provider.get_tracer("onefold")
    context.leave_new_traces_to_spans()
    return provider


def recording() -> bool:
    """Whether this process records spans at all."""
    return _tracer is not None


def span(name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: Value) -> AbstractContextManager[Span]:
    """A span of what happens inside the block, below the one around it. `a__b` stands for the attribute a.b.

    An error that leaves the block is named by its type alone.
    """
    return _NOTHING if _tracer is None else _around(_tracer, name, kind, attributes, context.traceparent(), ())


def span_of(traceparents: Sequence[str], names: Sequence[str], kind: SpanKind) -> AbstractContextManager[Sequence[str]]:
    """Spans of one piece of work that is done for several events at once: one span for each, in the trace of its own.

    Gives the traceparents under which each goes on, in the same order. What is done inside the block hangs on the first that is
    recorded; the others are linked to it.
    """
    if _tracer is None or not any(map(is_sampled, traceparents)):
        return nullcontext(traceparents)
    return _around_all(_tracer, names, kind, traceparents)


def is_sampled(traceparent: str) -> bool:
    """Whether the trace is recorded."""
    return traceparent[-1:] in "13579bdf" and traceparent != ""


@contextmanager
def _around(
    tracer: Tracer, name: str, kind: SpanKind, attributes: dict[str, Value], parent: str, links: Sequence[Link]
) -> Iterator[Span]:
    outer = context.traceparent()
    begun = tracer.start_span(name, _parent(parent), kind, _dotted(attributes), links)
    context.become(context.text_of(begun.get_span_context()))
    try:
        yield begun
    except BaseException as error:
        begun.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        begun.end()
        context.become(outer)


@contextmanager
def _around_all(
    tracer: Tracer, names: Sequence[str], kind: SpanKind, traceparents: Sequence[str]
) -> Iterator[Sequence[str]]:
    first = next(place for place, each in enumerate(traceparents) if is_sampled(each))
    going_on, others = list(traceparents), []
    with _around(tracer, names[first], kind, {}, traceparents[first], ()) as work:
        going_on[first] = context.traceparent()
        for place, each in enumerate(traceparents):
            if place != first and is_sampled(each):
                begun = tracer.start_span(names[place], _parent(each), kind, links=[Link(work.get_span_context())])
                others.append(begun)
                going_on[place] = context.text_of(begun.get_span_context())
        try:
            yield going_on
        finally:
            for begun in others:
                begun.end()


def statement(sql: str, seconds: float, failed: bool) -> None:
    """Records a statement that has just ended, below whatever is under way; nothing where that is not recorded."""
    parent = context.traceparent()
    if _tracer is None or not is_sampled(parent):
        return
    ended = time.time_ns()
    name, attributes = summary(sql)
    if not name:
        return
    begun = _tracer.start_span(name, _parent(parent), CLIENT, attributes, start_time=ended - round(seconds * 1e9))
    if failed:
        begun.set_status(Status(StatusCode.ERROR))
    begun.end(ended)


_BOUNDARY = re.compile(r"\s*(BEGIN|COMMIT|ROLLBACK)\b", re.IGNORECASE)
_CTE = re.compile(r"\b(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(", re.IGNORECASE)
_WRITTEN = re.compile(r"\b(INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE)\s+([a-z_]+)\b", re.IGNORECASE)
_READ = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)\b(?!\s*[.(])", re.IGNORECASE)
_NO_TABLE = {"set", "skip", "of", "nowait", "excluded", "only", "lateral", "returning"}
_MOST_TABLES = 3


@lru_cache(maxsize=1_000)
def summary(sql: str) -> tuple[str, dict[str, str]]:
    """A statement in a few words, as "INSERT orders, outbox", and its attributes: what it writes, or, if nothing, what it reads.

    Empty for what touches no table of ours, as the driver's own questions about types.
    """
    if boundary := _BOUNDARY.match(sql):
        return boundary[1].upper(), {"db.system.name": "postgresql", "db.operation.name": boundary[1].upper()}
    ctes = {name.lower() for name in _CTE.findall(sql)} | _NO_TABLE
    written = [
        (verb.split()[0].upper(), table.lower()) for verb, table in _WRITTEN.findall(sql) if table.lower() not in ctes
    ]
    touched = written or [("SELECT", table.lower()) for table in _READ.findall(sql)]
    found = {table: verb for verb, table in touched if table not in ctes}
    if not found or any(table.startswith("pg_") for table in found):
        return "", {}
    tables, verb = list(found)[:_MOST_TABLES], next(iter(found.values()))
    words = f"{verb} {', '.join(tables)}"
    return words, {
        "db.system.name": "postgresql",
        "db.operation.name": verb,
        "db.collection.name": tables[0],
        "db.query.summary": words,
    }


@lru_cache(maxsize=1_000)
def _dotted_name(name: str) -> str:
    return name.replace("__", ".")


def _dotted(attributes: dict[str, Value]) -> dict[str, Value]:
    return {_dotted_name(name): value for name, value in attributes.items()}


def _parent(traceparent: str) -> Context:
    if not traceparent:
        return set_span_in_context(INVALID_SPAN)
    _, trace, parent, flags = traceparent.split("-")[:4]
    named = SpanContext(int(trace, 16), int(parent, 16), True, TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(named))
