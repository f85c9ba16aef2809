"""The first page: what is new, what runs, what one most often wants to do."""

from __future__ import annotations

from flask import render_template

from gateway.auth import requires
from gateway.console import ask, ask_duplicates
from gateway.console.frame import blueprint
from onefold.identity_merge.v1.service_pb2 import MergeState

ROWS = 6
ENDED = {MergeState.MERGE_STATE_COMPLETED, MergeState.MERGE_STATE_REFUSED}


@blueprint.get("/")
@requires()
def home() -> str:
    """Each part is shown as far as its service answers; none of them keeps the others away."""
    orders = ask.if_up(lambda: ask.orders(size=ROWS))
    members = ask.if_up(lambda: ask.customers(size=ROWS, members_only=True))
    merges = ask.if_up(lambda: ask.merges(size=20))
    return render_template(
        "console/home.html",
        area="home",
        orders=orders.orders if orders else None,
        members=members.customers if members else None,
        members_total=members.members_total if members else 0,
        suggested=ask_duplicates.suggested(),
        running=[run for run in merges.runs if run.state not in ENDED] if merges else [],
        unreachable=None in (orders, members, merges),
    )
