"""One trace leads from a request through every service to the last thing that it causes (H6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.faults.client import somebody
from tests.integration.observability.conftest import Observed
from tests.support.collector import Recorded

SECONDS = 30


def chain(spans: Sequence[Recorded], name: str, service: str) -> list[tuple[str, str]]:
    """Service and name of the span, of its parent, and so on up to the root."""
    by_id = {span.span_id: span for span in spans}
    span = next(span for span in spans if (span.service, span.name) == (service, name))
    found = [(span.service, span.name)]
    while span.parent_id:
        span = by_id[span.parent_id]
        found.append((span.service, span.name))
    return found


def has(service: str, name: str, trace_id: str = "") -> Callable[[Sequence[Recorded]], bool]:
    """Whether such a span has arrived."""
    return lambda spans: any((s.service, s.name) == (service, name) and trace_id in s.trace_id for s in spans)


def trace_of(observed: Observed, root: str) -> str:
    """The newest trace that began so."""
    spans = observed.spans.wait(has("gateway-serve", root), SECONDS)
    return [span.trace_id for span in spans if span.name == root and not span.parent_id][-1]


ORDER = "onefold.orders.v1.OrdersService/CreateOrder"
ORDERED = [("gateway-serve", ORDER), ("gateway-serve", "POST /api/v1/orders")]
PUBLISHED = [("orders-work", "publish orders.order_placed.v1"), ("orders-serve", ORDER), *ORDERED]


def test_the_trace_of_an_order_leads_from_the_request_to_its_mail(observed: Observed) -> None:
    """H6: gateway, orders and its statement, outbox, broker, membership, notification, SMTP; each the parent of the next."""
    observed.shop.order(somebody())
    trace_id = trace_of(observed, "POST /api/v1/orders")
    for service, name in (
        ("notification-work", "SMTP DATA"),
        ("membership-work", "process orders.order_placed.v1"),
        ("notification-work", "deliver order_placed"),
    ):
        observed.spans.wait(has(service, name, trace_id), SECONDS)
    spans = observed.spans.connected(trace_id, SECONDS)
    assert [span.name for span in spans if not span.parent_id] == ["POST /api/v1/orders"]
    assert chain(spans, "SMTP DATA", "notification-work") == [
        ("notification-work", "SMTP DATA"),
        ("notification-work", "deliver order_placed"),
        ("notification-work", "process orders.order_placed.v1"),
        *PUBLISHED,
    ]
    assert chain(spans, "process orders.order_placed.v1", "membership-work")[1:] == PUBLISHED
    statement = "INSERT idempotency_keys, orders, order_lines"
    assert chain(spans, statement, "orders-serve")[1:] == [("orders-serve", ORDER), *ORDERED]
    enrol = "onefold.membership.v1.MembershipService/EnrolBuyer"
    assert chain(spans, enrol, "membership-serve")[1:] == [("gateway-serve", enrol), ORDERED[-1]]
    assert not [span for span in spans if span.failed]


def test_the_trace_of_a_merge_leads_from_the_request_through_its_steps_to_those_who_hear_of_it(
    observed: Observed,
) -> None:
    """H6, F9: the run is another process's work, and goes on in the trace of the commit."""
    shop = observed.shop
    shop.merge(shop.members(2))
    trace_id = trace_of(observed, "POST /api/v1/merges")
    heard = ("notification-work", "process identity_merge.merge_completed.v1")
    for service, name in (heard, ("identity_merge-work", "process membership.members_absorbed.v1")):
        observed.spans.wait(has(service, name, trace_id), SECONDS)
    spans = observed.spans.connected(trace_id, SECONDS)
    commit = "onefold.identity_merge.v1.MergeService/CommitMerge"
    begun = [("identity_merge-serve", commit), ("gateway-serve", commit), ("gateway-serve", "POST /api/v1/merges")]
    run = [("identity_merge-work", "carry out merge"), *begun]
    absorb = "onefold.membership.v1.MembershipService/Absorb"
    assert chain(spans, absorb, "membership-serve")[1:] == [
        ("identity_merge-work", absorb),
        ("identity_merge-work", "merge planned"),
        *run,
    ]
    assert chain(spans, *reversed(heard))[1:] == [
        ("identity_merge-work", "publish identity_merge.merge_completed.v1"),
        ("identity_merge-work", "merge logins_retired"),
        *run,
    ]
