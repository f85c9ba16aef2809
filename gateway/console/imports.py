"""Importing members, as a person goes through it: file, encoding, report of the dry run, confirmation, progress, result (D)."""

from __future__ import annotations

from uuid import UUID

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from gateway import uploads
from gateway.auth import requires
from gateway.console import ask_imports as ask
from gateway.console import labels
from gateway.console.forms import CheckForm, ConfirmImportForm, ImportForm, KeyedForm
from gateway.console.frame import Page, blueprint
from gateway.console.problems import refuse, status_of
from gateway.edge import LARGEST_FILE_MB
from gateway.reasons import sentence_of
from onefold.membership.v1.imports_pb2 import Import, ImportState
from services.common.errors import InvalidInput, OnefoldError, StateConflict
from services.common.ids import new_id
from services.common.permissions import MEMBERS_IMPORT

MOST_ROWS = 500


@blueprint.get("/imports")
@requires(MEMBERS_IMPORT)
def imports() -> str:
    """Every import of the store, newest first."""
    token = request.args.get("page", "")
    found = ask.imports(token)
    return render_template(
        "console/imports.html",
        area="members",
        imports=found.imports,
        next_token=found.next_page_token,
        later_page=bool(token),
    )


@blueprint.get("/imports/new")
@requires(MEMBERS_IMPORT)
def new_import() -> str:
    """Step 1: the rules, the sample file, the file (D1)."""
    return _upload_page(ImportForm())


def _upload_page(form: ImportForm) -> str:
    return render_template(
        "console/import_new.html",
        area="members",
        form=form,
        largest_mb=LARGEST_FILE_MB,
        most_rows=MOST_ROWS,
        page_address=url_for("console.new_import"),
    )


@blueprint.post("/imports")
@requires(MEMBERS_IMPORT)
def upload_import() -> Page:
    """Takes the file; what is no CSV at all is said at once."""
    form = ImportForm()
    file = form.file.data
    try:
        if not file or not file.filename:
            raise InvalidInput.of("file", "no_file")
        found = uploads.upload(file.stream, file.filename, form.idempotency_key.data or "")
    except OnefoldError as error:
        refuse(form, error, {"file": "file", "file_name": "file"})
        # Another file is another import.
        form.idempotency_key.data = str(new_id())
        return _upload_page(form), status_of(error)
    return redirect(url_for("console.import_", import_id=found.import_id))


@blueprint.get("/imports/sample.csv")
@requires(MEMBERS_IMPORT)
def import_sample() -> Response:
    """The sample file (D1)."""
    return _csv(ask.sample_file(), "members-sample.csv")


@blueprint.get("/imports/<uuid:import_id>")
@requires(MEMBERS_IMPORT)
def import_(import_id: UUID) -> Page:
    """One import, at whatever step it is. Before it is confirmed, ?encoding leads back to the look at the file."""
    found = ask.record(str(import_id))
    if found.state == ImportState.IMPORT_STATE_UPLOADED or (
        found.state == ImportState.IMPORT_STATE_CHECKED and "encoding" in request.args
    ):
        return _look(found, request.args.get("encoding", ""))
    if found.state == ImportState.IMPORT_STATE_RUNNING:
        return render_template(
            "console/import_running.html", area="members", record=found, sentence=_sentence(found), done=_done(found)
        )
    return _report(found)


def _look(found: Import, encoding: str, error: OnefoldError | None = None) -> Page:
    """Step 2: the first rows as they would be read; a person says whether that is right (D5)."""
    form = CheckForm()
    if error:
        refuse(form, error, {"encoding": "encoding"})
        form.idempotency_key.data = str(new_id())
        encoding = encoding if encoding in labels.ENCODING else ""
    shown = ask.preview(found.import_id, encoding)
    form.encoding.data = shown.encoding
    width = max((len(line.cells) for line in shown.lines), default=0)
    page = render_template(
        "console/import_look.html",
        area="members",
        form=form,
        record=found,
        shown=shown,
        lines=[[*line.cells, *[""] * (width - len(line.cells))] for line in shown.lines],
        problems=[uploads.sentence(problem) for problem in shown.problems],
        page_address=url_for("console.import_", import_id=found.import_id, encoding=shown.encoding),
    )
    return page, 422 if error else 200


@blueprint.post("/imports/<uuid:import_id>/check")
@requires(MEMBERS_IMPORT)
def check_import(import_id: UUID) -> Page:
    """The dry run (D4)."""
    form = CheckForm()
    encoding = form.encoding.data or ""
    try:
        ask.check(str(import_id), encoding, form.idempotency_key.data or "")
    except InvalidInput as error:
        return _look(ask.record(str(import_id)), encoding, error)
    return redirect(url_for("console.import_", import_id=import_id))


def _report(found: Import, form: ConfirmImportForm | None = None) -> Page:
    """Step 3: what the dry run says; and the result, once it has been done for real (D3)."""
    form = form or ConfirmImportForm()
    token = request.args.get("page", "")
    rows = ask.problem_rows(found.import_id, token)
    page = render_template(
        "console/import_report.html",
        area="members",
        form=form,
        record=found,
        ready=found.rows_total - found.rows_refused - found.rows_imported - found.rows_failed,
        checked=found.state == ImportState.IMPORT_STATE_CHECKED,
        discarded=found.state == ImportState.IMPORT_STATE_DISCARDED,
        expired=found.state == ImportState.IMPORT_STATE_EXPIRED,
        columns=list(rows.columns),
        rows=rows.rows,
        next_token=rows.next_page_token,
        later_page=bool(token),
        page_address=url_for("console.import_", import_id=found.import_id),
    )
    return page, 409 if form.faulty else 200


@blueprint.post("/imports/<uuid:import_id>/confirm")
@requires(MEMBERS_IMPORT)
def confirm_import(import_id: UUID) -> Page:
    """Step 4: starts the real run of the report that was seen."""
    form = ConfirmImportForm()
    number = form.check_number.data or ""
    try:
        ask.confirm(
            str(import_id),
            int(number) if number.isdecimal() and len(number) < 9 else 0,
            bool(form.send_confirmations.data),
            form.idempotency_key.data or "",
        )
    except OnefoldError as error:
        refuse(form, error, {})
        form.idempotency_key.data = str(new_id())
        return _report(ask.record(str(import_id)), form)
    return redirect(url_for("console.import_", import_id=import_id))


@blueprint.post("/imports/<uuid:import_id>/discard")
@requires(MEMBERS_IMPORT)
def discard_import(import_id: UUID) -> Page:
    """Lets go of a file before it is confirmed; where somebody else has confirmed it, its page says how far it is."""
    form = KeyedForm()
    try:
        ask.discard(str(import_id), form.idempotency_key.data or "")
    except StateConflict as error:
        flash(sentence_of(error.reason, error.params), "bad")
        return redirect(url_for("console.import_", import_id=import_id))
    flash(_("The upload is discarded and its file deleted. Nobody was added."), "good")
    return redirect(url_for("console.imports"))


@blueprint.get("/imports/<uuid:import_id>.json")
@requires(MEMBERS_IMPORT)
def import_json(import_id: UUID) -> Response:
    """How far it is, for the page's script."""
    found = ask.record(str(import_id))
    finished = found.state == ImportState.IMPORT_STATE_COMPLETED
    return jsonify(finished=finished, sentence=_sentence(found), steps=[], done=_done(found))


@blueprint.get("/imports/<uuid:import_id>/failed-rows.csv")
@requires(MEMBERS_IMPORT)
def failed_rows(import_id: UUID) -> Response:
    """The rows that are nobody's, with what to mend; after mending it uploads as it is (D4)."""
    return _csv(uploads.failed_rows(str(import_id)), "failed-rows.csv")


def _done(found: Import) -> int:
    return found.rows_imported + found.rows_failed


def _sentence(found: Import) -> str:
    total = found.rows_total - found.rows_refused
    return str(
        ngettext(
            "%(done)s of %(num)s row imported", "%(done)s of %(num)s rows imported", total, done=f"{_done(found):,}"
        )
    )


def _csv(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, content_type="text/csv; charset=utf-8")
