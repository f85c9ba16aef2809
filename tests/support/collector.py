"""A collector of traces for tests: takes OTLP over HTTP, as the services send it, and knows each span's parent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from deploy.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Recorded:
    """A span as it arrived. Times are nanoseconds of the Unix clock; `links` are ids of other spans."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    started: int
    ended: int
    failed: bool
    attributes: dict[str, str]
    links: tuple[str, ...]

    @property
    def words(self) -> str:
        """All text of it, for whoever looks for what must not be there."""
        return " ".join((self.service, self.name, *self.attributes, *self.attributes.values()))


@dataclass
class Collector:
    """What has arrived so far, at `url`."""

    url: str
    _spans: list[Recorded] = field(default_factory=list)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def take(self, body: bytes) -> None:
        """Adds the spans of one request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._arrived:
            self._spans.extend(_spans_of(request))
            self._arrived.notify_all()

    def spans(self) -> list[Recorded]:
        """All spans, in the order of their start."""
        with self._arrived:
            return sorted(self._spans, key=lambda span: span.started)

    def trace(self, trace_id: str) -> list[Recorded]:
        """Those of one trace."""
        return [span for span in self.spans() if span.trace_id == trace_id]

    def wait(self, found: Callable[[Sequence[Recorded]], bool], seconds: float) -> list[Recorded]:
        """All spans, once they are what is waited for. Raises AssertionError when the time is up."""
        with self._arrived:
            if self._arrived.wait_for(lambda: found(self._spans), seconds):
                return sorted(self._spans, key=lambda span: span.started)
            raise AssertionError(f"not among {sorted({(s.service, s.name) for s in self._spans})}")

    def connected(self, trace_id: str, seconds: float) -> list[Recorded]:
        """The trace, once the parent of each of its spans has arrived: processes send theirs when they like."""

        def has_all_parents(spans: Sequence[Recorded]) -> bool:
            known = {span.span_id for span in spans} | {""}
            return all(span.parent_id in known for span in spans if span.trace_id == trace_id)

        return [span for span in self.wait(has_all_parents, seconds) if span.trace_id == trace_id]

    def whole(self, trace_id: str, seconds: float) -> list[Recorded]:
        """The trace, once nothing has been added to it for so long."""
        while True:
            known = len(self.trace(trace_id))
            with self._arrived:
                if not self._arrived.wait_for(lambda: self._count(trace_id) > known, seconds):  # noqa: B023 - asked at once
                    break
        return self.trace(trace_id)

    def _count(self, trace_id: str) -> int:
        return sum(span.trace_id == trace_id for span in self._spans)


@contextmanager
def collector() -> Iterator[Collector]:
    """A collector at a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            into.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()
            self.wfile.write(ExportTraceServiceResponse().SerializeToString())

        def log_message(self, *_: object) -> None:
            """Not a word."""

    server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
    into = Collector(f"http://{LOOPBACK}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield into
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans_of(request: ExportTraceServiceRequest) -> Iterator[Recorded]:
    for resource in request.resource_spans:
        service = _texts(resource.resource.attributes).get("service.name", "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Recorded(
                    service=service,
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    started=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    failed=span.status.code == 2,
                    attributes=_texts(span.attributes) | {"status.message": span.status.message},
                    links=tuple(link.span_id.hex() for link in span.links),
                )


def _texts(attributes: object) -> dict[str, str]:
    pairs: list[KeyValue] = list(attributes)  # type: ignore[call-overload]
    return {pair.key: pair.value.string_value or str(pair.value.int_value) for pair in pairs}
