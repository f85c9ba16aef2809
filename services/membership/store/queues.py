"""What waits to be done by the worker, since when: for whoever watches (services/common/sampling.py)."""

from __future__ import annotations

QUEUES = {
    "removals": "SELECT requested_at FROM removals WHERE state = 'claimed'",
    "guests": "SELECT proved_at FROM proofs WHERE value IS NOT NULL ORDER BY proved_at",
    "imports": "SELECT started_at FROM imports WHERE state = 4 ORDER BY started_at",
    "level_runs": "SELECT requested_at FROM level_runs WHERE state < 3 ORDER BY requested_at",
    "invitation_runs": "SELECT requested_at FROM invitation_runs WHERE state < 3 ORDER BY requested_at",
}
