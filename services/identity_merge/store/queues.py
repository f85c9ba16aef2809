"""What waits to be done by the worker, since when: for whoever watches (services/common/sampling.py)."""

from __future__ import annotations

QUEUES = {
    "merges": "SELECT started_at FROM merge_runs WHERE finished_at IS NULL",
    "merge_batches": "SELECT requested_at FROM merge_batches WHERE state IN (1, 3) ORDER BY requested_at",
}
