"""What the console asks about imports (see ask.py)."""

from __future__ import annotations

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.membership.v1 import imports_pb2 as pb

ROWS_SHOWN = 50


def sample_file() -> bytes:
    """The sample file of the store."""
    return services().imports.sample(pb.GetSampleFileRequest()).content


def imports(token: str) -> pb.ListImportsResponse:
    """A page of imports, newest first."""
    return services().imports.list(pb.ListImportsRequest(page=PageRequest(token=token)))


def record(import_id: str) -> pb.Import:
    """One import as it stands."""
    return services().imports.get(pb.GetImportRequest(import_id=import_id)).record


def preview(import_id: str, encoding: str) -> pb.PreviewImportResponse:
    """The first lines of the file in an encoding; the recognised one if none is named."""
    return services().imports.preview(pb.PreviewImportRequest(import_id=import_id, encoding=encoding))


def problem_rows(import_id: str, token: str) -> pb.ListImportRowsResponse:
    """A page of rows that need mending."""
    page = PageRequest(size=ROWS_SHOWN, token=token)
    return services().imports.list_rows(pb.ListImportRowsRequest(import_id=import_id, page=page, problems_only=True))


def check(import_id: str, encoding: str, key: str) -> pb.Import:
    """The import after the dry run."""
    return services().imports.check(pb.CheckImportRequest(import_id=import_id, encoding=encoding), key=key).record


def confirm(import_id: str, check_number: int, send_confirmations: bool, key: str) -> pb.Import:
    """The import, running."""
    wish = pb.ConfirmImportRequest(
        import_id=import_id, check_number=check_number, send_confirmations=send_confirmations
    )
    return services().imports.confirm(wish, key=key).record


def discard(import_id: str, key: str) -> None:
    """Gone, but for its record."""
    services().imports.discard(pb.DiscardImportRequest(import_id=import_id), key=key)
