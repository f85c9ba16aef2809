"""Request id and trace context, carried along every call and event (H6).

Only the OpenTelemetry API is used here: without an SDK configured it hands the trace context on and records nothing.
"""

from __future__ import annotations

import secrets
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
request_id: ContextVar[str] = ContextVar("request_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def new_request_id() -> str:
    """128 random bits in hexadecimal."""
    return secrets.token_hex(16)


def begin(incoming_request_id: str = "", traceparent: str = "") -> None:
    """Takes over what the caller sent, or starts afresh, for the current task or thread."""
    request_id.set(incoming_request_id or new_request_id())
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    span = trace.get_current_span(context)
    if not span.get_span_context().is_valid:
        span = NonRecordingSpan(
            SpanContext(secrets.randbits(128) or 1, secrets.randbits(64) or 1, False, TraceFlags(TraceFlags.SAMPLED))
        )
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(span))
    _traceparent.set(carrier["traceparent"])


def traceparent() -> str:
    """W3C traceparent of the current request; empty outside of one."""
    return _traceparent.get()
