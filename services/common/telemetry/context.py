"""Request id and trace context, carried along every call and event.

The trace context is the text of a W3C traceparent and nothing more: that is what calls, outbox rows and events take along anyway, and it
says all that a span needs to know of its parent. Only the OpenTelemetry API is used here.
"""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_propagator = TraceContextTextMapPropagator()
_OF_TODAY = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
request_id: ContextVar[str] = ContextVar("request_id", default="")
_traceparent: ContextVar[str] = ContextVar("traceparent", default="")
# Whether somebody records spans: then the first of them, and not `begin`, says what a new trace is called.
_recorded = False


def new_request_id() -> str:
    """128 random bits in hexadecimal."""
    return secrets.token_hex(16)


def begin(incoming_request_id: str = "", traceparent: str = "") -> None:
    """Takes over what the caller sent, or starts afresh, for the current task or thread."""
    request_id.set(incoming_request_id or new_request_id())
    # The usual case by itself: reading it into a context and writing it out again gives the same text.
    _traceparent.set(traceparent if _OF_TODAY.fullmatch(traceparent) else _resume(traceparent))


def end() -> None:
    """The work is done: what its task or thread does next, as looking for more, belongs to nobody's request or trace."""
    request_id.set("")
    _traceparent.set("")


def _resume(traceparent: str) -> str:
    """The traceparent of whatever else there is: one of a later version, or a new trace."""
    context = _propagator.extract({"traceparent": traceparent}) if traceparent else None
    span = trace.get_current_span(context).get_span_context()
    if span.is_valid:
        return text_of(span)
    return "" if _recorded else f"00-{secrets.randbits(128) or 1:032x}-{secrets.randbits(64) or 1:016x}-01"


def text_of(span: trace.SpanContext) -> str:
    """The traceparent that names a span as the parent."""
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"


def traceparent() -> str:
    """W3C traceparent of the current request; empty outside of one."""
    return _traceparent.get()


def trace_id() -> str:
    """The trace of the current request, 32 hexadecimal digits; empty outside of one."""
    return _traceparent.get()[3:35]


def become(traceparent: str) -> None:
    """What is done from now on, in this task or thread, is done by the span so named."""
    _traceparent.set(traceparent)


def leave_new_traces_to_spans() -> None:
    """Called once somebody records spans."""
    global _recorded
    _recorded = True
