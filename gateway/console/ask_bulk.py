"""What the console asks about runs that change many orders."""

from __future__ import annotations

import time

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.orders.v1 import bulk_pb2 as pb
from onefold.orders.v1.service_pb2 import ListOrdersRequest

# How long a page waits for a run before it shows how far it is.
_SHORTLY_SECONDS = 1.5
_LOOK_SECONDS = 0.1


def count(asked: ListOrdersRequest) -> pb.CountOrdersResponse:
    """How many orders a list has, and how many a run can take."""
    return services().bulk.count(pb.CountOrdersRequest(selection=pb.OrderSelection(filter=asked)))


def start(wish: pb.StartBulkRunRequest, key: str) -> pb.BulkRun:
    """The run; a small one is at its end already, for that is waited for a little."""
    found = services().bulk.start(wish, key=key).run
    until = time.monotonic() + _SHORTLY_SECONDS
    while not is_over(found) and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        found = run(found.run_id)
    return found


def run(run_id: str) -> pb.BulkRun:
    """A run as it stands."""
    return services().bulk.get(pb.GetBulkRunRequest(run_id=run_id)).run


def is_over(found: pb.BulkRun) -> bool:
    """Whether it is at its end."""
    return found.state == pb.BULK_RUN_STATE_DONE


def runs(token: str = "") -> pb.ListBulkRunsResponse:
    """A page of runs, newest first."""
    return services().bulk.list(pb.ListBulkRunsRequest(page=PageRequest(token=token)))


def refused(run_id: str, token: str = "") -> pb.ListRefusedOrdersResponse:
    """A page of the orders that a run could not change."""
    return services().bulk.list_refused(pb.ListRefusedOrdersRequest(run_id=run_id, page=PageRequest(token=token)))
