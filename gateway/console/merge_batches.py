"""Many merges at once: groups from a file or pasted, the report of the check, confirmation, progress, result (F1, F9)."""

from __future__ import annotations

from uuid import UUID

from flask import jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway import merge_files
from gateway.auth import requires
from gateway.clients import services
from gateway.console import ask
from gateway.console.forms import KeyedForm, MergeBatchForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, status_of
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import batches_pb2 as pb
from services.common.errors import InvalidInput, OnefoldError
from services.common.ids import new_id
from services.common.permissions import MEMBERS_READ, MERGES_WRITE

# Each with a name that is asked for.
_GROUPS_SHOWN = 20
_CHECKING = pb.MergeBatchState.MERGE_BATCH_STATE_CHECKING
_CHECKED = pb.MergeBatchState.MERGE_BATCH_STATE_CHECKED
_RUNNING = pb.MergeBatchState.MERGE_BATCH_STATE_RUNNING


@blueprint.get("/merges/batches")
@requires(MEMBERS_READ)
def merge_batches() -> str:
    """Every batch of the store, newest first."""
    token = request.args.get("page", "")
    found = services().merge_batches.list(pb.ListMergeBatchesRequest(page=PageRequest(token=token)))
    return render_template(
        "console/merge_batches.html",
        area="merges",
        batches=found.batches,
        next_token=found.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/merges/batches/new")
@requires(MERGES_WRITE)
def new_merge_batch() -> str:
    """Step 1: the groups."""
    return _form_page(MergeBatchForm())


def _form_page(form: MergeBatchForm) -> str:
    return render_template(
        "console/merge_batch_new.html",
        area="merges",
        form=form,
        columns=merge_files.COLUMNS,
        most=merge_files.MOST_GROUPS,
        page_address=url_for("console.new_merge_batch"),
    )


@blueprint.get("/merges/batches/sample.csv")
@requires(MERGES_WRITE)
def merge_sample() -> Response:
    """The header that a file has."""
    headers = {"Content-Disposition": 'attachment; filename="merges-sample.csv"'}
    return Response(merge_files.SAMPLE, 200, headers, content_type="text/csv; charset=utf-8")


@blueprint.post("/merges/batches")
@requires(MERGES_WRITE)
def create_merge_batch() -> Page:
    """Takes the groups; what cannot be read as such is said at once, what is wrong with single groups by the check."""
    form = MergeBatchForm()
    try:
        wish = pb.CreateMergeBatchRequest(groups=_groups(form))
        batch = services().merge_batches.create(wish, key=form.idempotency_key.data or "").batch
    except OnefoldError as error:
        refuse(form, error, {"file": "file", "pasted": "pasted", "groups": "file"})
        # Other groups are another batch.
        form.idempotency_key.data = str(new_id())
        return _form_page(form), status_of(error)
    return redirect(url_for("console.merge_batch", batch_id=batch.batch_id))


def _groups(form: MergeBatchForm) -> list[pb.MergeGroupWish]:
    """Raises InvalidInput (no_groups, and where it cannot be read)."""
    file = form.file.data
    if file and file.filename:
        return merge_files.read_file(file.stream.read())
    if not (form.pasted.data or "").strip():
        raise InvalidInput.of("file", "no_groups")
    return merge_files.read(form.pasted.data, "pasted")


@blueprint.get("/merges/batches/<uuid:batch_id>")
@requires(MEMBERS_READ)
def merge_batch(batch_id: UUID) -> Page:
    """One batch at whatever step it is: being checked, to be confirmed, under way, done."""
    return _batch_page(_batch(batch_id), KeyedForm())


def _batch_page(batch: pb.MergeBatch, form: KeyedForm) -> Page:
    failed_only, token = request.args.get("show") == "failed", request.args.get("page", "")
    asked = pb.ListMergeGroupsRequest(
        batch_id=batch.batch_id, failed_only=failed_only, page=PageRequest(size=_GROUPS_SHOWN, token=token)
    )
    found = services().merge_batches.list_groups(asked)
    page = render_template(
        "console/merge_batch.html",
        area="merges",
        form=form,
        batch=batch,
        moving=batch.state in (_CHECKING, _RUNNING),
        checked=batch.state == _CHECKED,
        sentence=_sentence(batch),
        done=_done(batch),
        groups=found.groups,
        names=ask.names_of(group.primary_id for group in found.groups if group.primary_id),
        failed_only=failed_only,
        next_token=found.next_page_token,
        later_page=bool(token),
        page_address=url_for("console.merge_batch", batch_id=batch.batch_id),
    )
    return page, 409 if form.faulty else 200


@blueprint.get("/merges/batches/<uuid:batch_id>.json")
@requires(MEMBERS_READ)
def merge_batch_json(batch_id: UUID) -> Response:
    """How far it is, for the page's script."""
    batch = _batch(batch_id)
    finished = batch.state not in (_CHECKING, _RUNNING)
    return jsonify(finished=finished, sentence=_sentence(batch), steps=[], done=_done(batch))


@blueprint.post("/merges/batches/<uuid:batch_id>/confirm")
@requires(MERGES_WRITE)
def confirm_merge_batch(batch_id: UUID) -> Page:
    """Starts the merges of the report that was seen."""
    form = KeyedForm()
    try:
        wish = pb.ConfirmMergeBatchRequest(batch_id=str(batch_id))
        services().merge_batches.confirm(wish, key=form.idempotency_key.data or "")
    except OnefoldError as error:
        refuse(form, error, {})
        return _batch_page(_batch(batch_id), form)
    return redirect(url_for("console.merge_batch", batch_id=batch_id))


@blueprint.get("/merges/batches/<uuid:batch_id>/report.csv")
@requires(MEMBERS_READ)
def merge_report(batch_id: UUID) -> Response:
    """What became of each group, or of those that failed; after mending it uploads as it is."""
    return merge_files.report(str(batch_id), failed_only=request.args.get("show") == "failed")


def _batch(batch_id: UUID) -> pb.MergeBatch:
    return services().merge_batches.get(pb.GetMergeBatchRequest(batch_id=str(batch_id))).batch


def _done(batch: pb.MergeBatch) -> int:
    ready = batch.ready_count if batch.state == _CHECKING else 0
    return batch.merged_count + batch.failed_count + ready


def _sentence(batch: pb.MergeBatch) -> str:
    numbers = {"done": f"{_done(batch):,}", "total": f"{batch.total:,}"}
    if batch.state == _CHECKING:
        return str(_("%(done)s of %(total)s groups checked", **numbers))
    if batch.state == _RUNNING:
        return str(_("%(done)s of %(total)s groups gone through", **numbers))
    merged = batch.merged_count
    return str(ngettext("%(number)s group merged.", "%(number)s groups merged.", merged, number=f"{merged:,}"))
