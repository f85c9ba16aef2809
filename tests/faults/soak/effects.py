"""Where the effect of an operation stands in the databases, and whether as many stand there as must."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from tests.faults.soak.history import FAILED, OK, Operation
from tests.faults.system import System

# By effect: the service, and how often each tag stands in the store $1. Other tags than those of operations do not matter.
EFFECTS: dict[str, tuple[str, str]] = {
    "order": ("orders", "SELECT external_reference, count(*) FROM orders WHERE store_id = $1 GROUP BY 1"),
    "order by its note": ("orders", "SELECT note, count(*) FROM orders WHERE store_id = $1 GROUP BY 1"),
    "payment": ("orders", "SELECT reference, count(*) FROM payments WHERE store_id = $1 GROUP BY 1"),
    "refund": ("orders", "SELECT reason, count(*) FROM refunds WHERE store_id = $1 GROUP BY 1"),
    "resend": ("orders", "SELECT order_id::text, resends FROM orders WHERE store_id = $1"),
    # A deduction may touch several lots, all at one moment; a merge carries lots on, and writes of it with its own number.
    "points": (
        "membership",
        "SELECT note, count(DISTINCT at) FROM points_entries WHERE store_id = $1 AND merge_run_id IS NULL GROUP BY 1",
    ),
    "upload": ("membership", "SELECT file_name, count(*) FROM imports WHERE store_id = $1 GROUP BY 1"),
    # Live or not: nobody else has these names.
    "import": ("membership", "SELECT name, count(*) FROM customers WHERE store_id = $1 AND status = 2 GROUP BY 1"),
    "registration": (
        "membership",
        "SELECT name, count(*) FROM customers WHERE store_id = $1 AND status = 2 GROUP BY 1",
    ),
    "deletion": (
        "membership",
        "SELECT customer_id::text, count(*) FROM removals WHERE store_id = $1 AND state = 'done' GROUP BY 1",
    ),
    "merge": ("identity_merge", "SELECT plan_id::text, count(*) FROM merge_runs WHERE store_id = $1 GROUP BY 1"),
}


def differences(system: System, store_id: str, operations: Iterable[Operation]) -> list[str]:
    """What stands more or less often than the answers say; empty when all is as it must be.

    Of one tag there must be what was answered ok, and at most what is unknown besides.
    """
    wanted: dict[tuple[str, str], list[Operation]] = defaultdict(list)
    for operation in operations:
        if operation.effect:
            wanted[operation.effect, operation.tag].append(operation)
    found = {
        effect: dict(system.rows(context, query, UUID(store_id)))
        for effect, (context, query) in EFFECTS.items()
        if any(name == effect for name, _ in wanted)
    }
    wrong = []
    for (effect, tag), group in wanted.items():
        sure = sum(each.size for each in group if each.outcome == OK)
        most = sum(each.size for each in group if each.outcome != FAILED)
        stands = int(found[effect].get(tag, 0))
        # An effect of many rows is whole or not there.
        halves = stands not in (sure, most) if len(group) == 1 else not sure <= stands <= most
        if halves:
            wrong.append(
                f"{effect} {tag} stands {stands} times, not {sure} to {most}: {[each.line() for each in group]}"
            )
    return wrong
