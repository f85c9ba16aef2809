"""What waits to be done by the worker, since when: for whoever watches (services/common/sampling.py)."""

from __future__ import annotations

QUEUES = {
    "erasures": "SELECT erased_at FROM erasures",
    "bulk_runs": "SELECT requested_at FROM bulk_runs WHERE state < 3 ORDER BY requested_at",
    # Of payments that a provider is to give back.
    "provider_refunds": "SELECT asked_at FROM provider_refunds WHERE state = 1",
}
