"""Many orders at once: which of them, what becomes of them, and how far that is (E1).

Nothing is kept on the server in between: the picked orders and the list's filters travel in the address, then in the form.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway.auth import requires
from gateway.console import ask_bulk
from gateway.console.forms import ALL, PICKED, BulkForm, BulkRefundForm, BulkStepForm, code_of
from gateway.console.frame import Page, blueprint
from gateway.console.order_listings import OrderListing
from gateway.console.problems import refuse, sentence_of
from onefold.orders.v1 import bulk_pb2 as pb
from onefold.orders.v1.service_pb2 import OrderStatus
from services.common.errors import OnefoldError
from services.common.permissions import ORDERS_READ, ORDERS_REFUND, ORDERS_WRITE


@blueprint.route("/orders/bulk/status", methods=["GET", "POST"])
@requires(ORDERS_WRITE)
def bulk_status() -> Page:
    """Brings the picked orders, or all of the list, further."""
    form = BulkStepForm()
    return _bulk("console/order_bulk_status.html", form, code_of(form.goal.data))


@blueprint.route("/orders/bulk/refund", methods=["GET", "POST"])
@requires(ORDERS_REFUND)
def bulk_refund() -> Page:
    """Notes for the picked orders, or all of the list, that all that is left was given back."""
    form = BulkRefundForm()
    return _bulk("console/order_bulk_refund.html", form, OrderStatus.ORDER_STATUS_REFUNDED, code_of(form.method.data))


def _bulk(template: str, form: BulkForm, goal: int, method: int = 0) -> Page:
    listing = OrderListing.read(request.values)
    picked = list(dict.fromkeys(request.values.getlist("id")))
    if request.method == "POST":
        try:
            run = ask_bulk.start(_wish(form, listing, picked, goal, method), form.idempotency_key.data)
        except OnefoldError as error:
            refuse(form, error, {"goal": "goal", "method": "method", "note": "note"})
        else:
            return redirect(url_for("console.bulk_run", run_id=run.run_id))
    elif not form.scope.data:
        form.scope.data = PICKED if picked else ALL
    found = _counted(form, listing)
    form.expected_count.data = str(found.count)
    page = render_template(template, area="orders", form=form, listing=listing, picked=picked, found=found)
    return page, 422 if form.faulty else 200


def _wish(form: BulkForm, listing: OrderListing, picked: list[str], goal: int, method: int) -> pb.StartBulkRunRequest:
    """Raises InvalidInput where the list's filters cannot be read."""
    everything = form.scope.data == ALL
    seen = form.expected_count.data or ""
    wish = pb.StartBulkRunRequest(note=form.note.data or "")
    wish.goal, wish.method = goal, method  # type: ignore[assignment]  # open enums
    if everything:
        wish.selection.filter.CopyFrom(listing.filter())
        wish.expected_count = int(seen) if seen.isdecimal() and len(seen) < 9 else 0
    else:
        wish.selection.order_ids.extend(picked)
    return wish


def _counted(form: BulkForm, listing: OrderListing) -> pb.CountOrdersResponse:
    """How many orders the list has; none where its filters cannot be read, which the form then says."""
    try:
        return ask_bulk.count(listing.filter())
    except OnefoldError as error:
        if not form.faulty:
            refuse(form, error, {})
        return pb.CountOrdersResponse()


@blueprint.get("/orders/bulk")
@requires(ORDERS_READ)
def bulk_runs() -> str:
    """Every run of the store, newest first."""
    token = request.args.get("page", "")
    found = ask_bulk.runs(token)
    return render_template(
        "console/order_bulk_runs.html",
        area="orders",
        runs=found.runs,
        next_token=found.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/orders/bulk/<uuid:run_id>")
@requires(ORDERS_READ)
def bulk_run(run_id: UUID) -> str:
    """How far a run is; at its end, which orders stayed as they are and why."""
    run, token = ask_bulk.run(str(run_id)), request.args.get("page", "")
    refused = ask_bulk.refused(run.run_id, token) if run.refused_count else pb.ListRefusedOrdersResponse()
    return render_template(
        "console/order_bulk_run.html",
        area="orders",
        run=run,
        finished=ask_bulk.is_over(run),
        sentence=_outcome(run) if ask_bulk.is_over(run) else _progress(run),
        refused=[(order, sentence_of(order.reason)) for order in refused.orders],
        next_token=refused.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/orders/bulk/<uuid:run_id>.json")
@requires(ORDERS_READ)
def bulk_run_json(run_id: UUID) -> Response:
    """The same for the page's script."""
    run = ask_bulk.run(str(run_id))
    return jsonify(finished=ask_bulk.is_over(run), sentence=_progress(run), steps=[], done=run.done)


def _progress(run: pb.BulkRun) -> str:
    if not run.done:
        return str(_("Waiting to begin …"))
    return str(_("%(done)s of %(total)s orders gone through", done=f"{run.done:,}", total=f"{run.total:,}"))


def _outcome(run: pb.BulkRun) -> str:
    changed: Any = run.done - run.refused_count
    return str(ngettext("%(number)s order changed.", "%(number)s orders changed.", changed, number=f"{changed:,}"))
