"""/imports: members from CSV files; created only, never edited (D)."""

from __future__ import annotations

from typing import IO, Any

from flask import Response, request
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel
from werkzeug.exceptions import UnsupportedMediaType

from gateway import uploads
from gateway.api.base import PREFIX, blueprint
from gateway.api.checked import answer, checked, created
from gateway.api.fields import Id, IdempotencyHeader, PageQuery
from gateway.api.import_models import (
    CheckIn,
    ConfirmIn,
    CsvFile,
    Import,
    ImportList,
    ImportRowList,
    Preview,
    PreviewQuery,
    RowsQuery,
    UploadQuery,
    import_json,
    preview_json,
    row_json,
)
from gateway.clients import services
from onefold.membership.v1 import imports_pb2 as pb
from services.common import permissions
from services.common.errors import InvalidInput

_TAGS = [Tag(name="Imports", description="Members from CSV files.")]
_CSV: dict[int | str, Any] = {
    200: {"description": "A CSV file.", "content": {"text/csv": {"schema": {"type": "string"}}}}
}


class ImportPath(BaseModel):
    """Which import."""

    import_id: Id


@blueprint.get("/imports/sample.csv", tags=_TAGS, responses=_CSV)
@checked(permissions.MEMBERS_IMPORT)
def get_sample_file() -> Response:
    """Download the sample file: the exact header and two examples (D1)"""
    return csv_answer(services().imports.sample(pb.GetSampleFileRequest()).content, "members-sample.csv")


@blueprint.post("/imports", tags=_TAGS, responses={201: Import})
@checked(permissions.MEMBERS_IMPORT)
def upload_import(header: IdempotencyHeader, query: UploadQuery, raw: CsvFile) -> Response:
    """Upload a file and check it; nobody becomes a member yet (D4)

    The file is the body, at most 15 MiB, or the part `file` of a form. The answer is the dry run with its counts; what is wrong
    with single rows is at `/rows`. A file that cannot be read as a whole is refused with `errors` on `file`.
    """
    stream, name = _file()
    key = header.idempotency_key
    found = uploads.upload(stream, name or query.file_name, key)
    check = pb.CheckImportRequest(import_id=found.import_id, encoding=query.encoding)
    found = services().imports.check(check, key=uploads.check_key(key)).record
    return created(import_json(found), f"{PREFIX}/imports/{found.import_id}")


@blueprint.get("/imports", tags=_TAGS, responses={200: ImportList})
@checked(permissions.MEMBERS_IMPORT)
def list_imports(query: PageQuery) -> Response:
    """List imports, newest first"""
    found = services().imports.list(pb.ListImportsRequest(page=query.page()))
    items = [import_json(each) for each in found.imports]
    return answer({"items": items, "next_page_token": found.next_page_token or None})


@blueprint.get("/imports/<import_id>", tags=_TAGS, responses={200: Import})
@checked(permissions.MEMBERS_IMPORT)
def get_import(path: ImportPath) -> Response:
    """Watch an import"""
    return answer(import_json(services().imports.get(pb.GetImportRequest(import_id=path.import_id)).record))


@blueprint.get("/imports/<import_id>/preview", tags=_TAGS, responses={200: Preview})
@checked(permissions.MEMBERS_IMPORT)
def preview_import(path: ImportPath, query: PreviewQuery) -> Response:
    """See the first lines as an encoding reads them (D5)"""
    wish = pb.PreviewImportRequest(import_id=path.import_id, encoding=query.encoding)
    return answer(preview_json(services().imports.preview(wish)))


@blueprint.post("/imports/<import_id>/check", tags=_TAGS, responses={200: Import})
@checked(permissions.MEMBERS_IMPORT)
def check_import(header: IdempotencyHeader, path: ImportPath, body: CheckIn) -> Response:
    """Check the file again, perhaps in another encoding; as often as wished until it is confirmed"""
    wish = pb.CheckImportRequest(import_id=path.import_id, encoding=body.encoding)
    return answer(import_json(services().imports.check(wish, key=header.idempotency_key).record))


@blueprint.post("/imports/<import_id>/confirm", tags=_TAGS, responses={202: Import})
@checked(permissions.MEMBERS_IMPORT)
def confirm_import(header: IdempotencyHeader, path: ImportPath, body: ConfirmIn) -> Response:
    """Import the rows that the dry run found good; it finishes by itself, each row once (D4)"""
    wish = pb.ConfirmImportRequest(
        import_id=path.import_id, check_number=body.check_number, send_confirmations=body.send_confirmations
    )
    found = services().imports.confirm(wish, key=header.idempotency_key).record
    return created(import_json(found), f"{PREFIX}/imports/{found.import_id}", 202)


@blueprint.delete("/imports/<import_id>", tags=_TAGS, responses={200: Import})
@checked(permissions.MEMBERS_IMPORT)
def discard_import(header: IdempotencyHeader, path: ImportPath) -> Response:
    """Discard an upload that is not confirmed: its file and rows go at once, the import stays listed

    409 `import_confirmed`: its rows are becoming members, or have become some.
    """
    wish = pb.DiscardImportRequest(import_id=path.import_id)
    return answer(import_json(services().imports.discard(wish, key=header.idempotency_key).record))


@blueprint.get("/imports/<import_id>/rows", tags=_TAGS, responses={200: ImportRowList})
@checked(permissions.MEMBERS_IMPORT)
def list_import_rows(path: ImportPath, query: RowsQuery) -> Response:
    """List rows with what became of them, or what to mend (D3)"""
    found = services().imports.list_rows(
        pb.ListImportRowsRequest(import_id=path.import_id, page=query.page(), problems_only=query.problems_only)
    )
    return answer(
        {
            "columns": list(found.columns),
            "items": [row_json(row) for row in found.rows],
            "next_page_token": found.next_page_token or None,
        }
    )


@blueprint.get("/imports/<import_id>/failed-rows.csv", tags=_TAGS, responses=_CSV)
@checked(permissions.MEMBERS_IMPORT)
def get_failed_rows(path: ImportPath) -> Response:
    """Download the rows that are nobody's, with what to mend; after mending it uploads as it is (D4)"""
    return csv_answer(uploads.failed_rows(path.import_id), "failed-rows.csv")


def csv_answer(content: bytes, name: str) -> Response:
    """A file to be kept."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, headers, content_type="text/csv; charset=utf-8")


def _file() -> tuple[IO[bytes], str]:
    """The file and its name, which only a form tells. Raises InvalidInput (no_file), UnsupportedMediaType."""
    if request.mimetype == "multipart/form-data":
        file = request.files.get("file")
        if file is None:
            raise InvalidInput.of("file", "no_file")
        return file.stream, file.filename or ""
    if request.mimetype not in ("text/csv", "application/octet-stream", ""):
        raise UnsupportedMediaType
    return request.stream, ""
