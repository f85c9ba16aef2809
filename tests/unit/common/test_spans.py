"""What a statement is called in a trace, and what the rest costs when nobody records (H6)."""

from __future__ import annotations

import pytest

from services.common import telemetry
from services.common.telemetry import context, spans

STATEMENTS = {
    "SELECT id FROM orders WHERE id = $1": "SELECT orders",
    "WITH o AS (INSERT INTO orders (id) VALUES ($1)) INSERT INTO outbox (id) SELECT id FROM o": "INSERT orders, outbox",
    "INSERT INTO stores (slug) VALUES ($1) ON CONFLICT DO UPDATE SET slug = 'chan'": "INSERT stores",
    "SELECT * FROM customers c JOIN addresses a USING (id) FOR UPDATE OF c SKIP LOCKED": "SELECT customers, addresses",
    "DELETE FROM codes WHERE expires_at < now()": "DELETE codes",
    "SELECT x FROM unnest($1) AS x": "",
    "SELECT t.oid FROM pg_catalog.pg_type t": "",
    "BEGIN; SELECT set_config('app.store_id', '0a', true)": "BEGIN",
    "COMMIT": "COMMIT",
}


@pytest.mark.parametrize(("sql", "words"), STATEMENTS.items(), ids=range(len(STATEMENTS)))
def test_a_statement_is_told_by_what_it_writes_or_reads(sql: str, words: str) -> None:
    """No values and no conditions, only the verb and the tables."""
    assert spans.summary(sql)[0] == words
    assert "chan" not in repr(spans.summary(sql))


def test_without_a_collector_spans_are_nothing_and_the_trace_is_handed_on_as_it_came() -> None:
    """The way of the data must cost nothing more where nobody looks."""
    came = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    telemetry.begin("request-1", came)
    assert not spans.recording()
    assert telemetry.span("one") is telemetry.span("another", telemetry.CLIENT, rpc__system__name="grpc")
    with telemetry.span("one") as span, telemetry.span_of([came, ""], ["a", "b"], telemetry.CONSUMER) as going_on:
        assert not span.is_recording()
        assert (telemetry.traceparent(), going_on) == (came, [came, ""])
    assert (telemetry.traceparent(), telemetry.trace_id()) == (came, "a" * 32)
    context.become("")


def test_a_later_version_of_the_header_and_none_at_all_are_understood() -> None:
    """W3C: what cannot be read begins a trace anew, and never stops a request."""
    telemetry.begin("request-1", "cc-" + "a" * 32 + "-" + "b" * 16 + "-01-what-the-future-will-be-like")
    assert telemetry.traceparent() == "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    telemetry.begin("request-1", "nonsense")
    assert telemetry.trace_id() not in ("", "a" * 32)
    context.become("")
