"""What a process tells of itself to whoever runs it (H6): request ids, traces, metrics. Never personal data.

`context` carries request id and trace along every call and event, at the cost of a look at a text. `spans` records traces with the
OpenTelemetry SDK, where OTEL_EXPORTER_OTLP_ENDPOINT says where they go, and loads nothing of it otherwise. `metrics` counts for
Prometheus, and `exposition` serves what was counted at ONEFOLD_METRICS_LISTEN.
"""

from services.common.telemetry.context import begin, end, new_request_id, request_id, trace_id, traceparent
from services.common.telemetry.spans import CLIENT, CONSUMER, PRODUCER, SERVER, span, span_of, statement

__all__ = [
    "CLIENT",
    "CONSUMER",
    "PRODUCER",
    "SERVER",
    "begin",
    "end",
    "new_request_id",
    "request_id",
    "span",
    "span_of",
    "statement",
    "trace_id",
    "traceparent",
]
