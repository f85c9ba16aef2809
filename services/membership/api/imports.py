"""ImportsService: members from CSV files (D)."""

from __future__ import annotations

from uuid import UUID

from grpc import aio

from onefold.membership.v1 import imports_pb2 as pb
from onefold.membership.v1 import imports_pb2_grpc
from services.common import rpc
from services.common.ids import parse_id
from services.common.wire import timestamp
from services.membership import commands
from services.membership.domain.imports import COLUMNS, Import, Problem, RowState, Staged
from services.membership.queries import imports as queries

Context = aio.ServicerContext[object, object]


class ImportsApi(imports_pb2_grpc.ImportsServiceServicer):
    """ImportsService of the contract."""

    def __init__(self, context: commands.Context) -> None:
        self._context = context

    async def GetSampleFile(self, _: pb.GetSampleFileRequest, __: Context) -> pb.GetSampleFileResponse:
        return pb.GetSampleFileResponse(content=queries.get_sample_file(rpc.caller()))

    async def StartImport(self, request: pb.StartImportRequest, _: Context) -> pb.StartImportResponse:
        import_id = await commands.start_import(
            self._context,
            rpc.caller(),
            rpc.once(request, _started),
            request.file_name,
            request.file_size,
        )
        return _started(import_id)

    async def AppendFile(self, request: pb.AppendFileRequest, _: Context) -> pb.AppendFileResponse:
        import_id = parse_id(request.import_id, "import_id")
        received = await commands.append_file(self._context, rpc.caller(), import_id, request.offset, request.content)
        return pb.AppendFileResponse(received=received)

    async def FinishUpload(self, request: pb.FinishUploadRequest, _: Context) -> pb.FinishUploadResponse:
        import_id = parse_id(request.import_id, "import_id")
        found = await commands.finish_upload(self._context, rpc.caller(), import_id)
        return pb.FinishUploadResponse(record=_import_message(found))

    async def PreviewImport(self, request: pb.PreviewImportRequest, _: Context) -> pb.PreviewImportResponse:
        import_id = parse_id(request.import_id, "import_id")
        shown = await queries.preview_import(self._context.database, rpc.caller(), import_id, request.encoding)
        return pb.PreviewImportResponse(
            record=_import_message(shown.found),
            encoding=shown.encoding,
            lines=[pb.ImportLine(cells=cells) for cells in shown.lines],
            problems=[_problem_message(problem) for problem in shown.problems],
        )

    async def CheckImport(self, request: pb.CheckImportRequest, _: Context) -> pb.CheckImportResponse:
        found = await commands.check_import(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda found: pb.CheckImportResponse(record=_import_message(found))),
            parse_id(request.import_id, "import_id"),
            request.encoding,
        )
        return pb.CheckImportResponse(record=_import_message(found))

    async def ConfirmImport(self, request: pb.ConfirmImportRequest, _: Context) -> pb.ConfirmImportResponse:
        found = await commands.confirm_import(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda found: pb.ConfirmImportResponse(record=_import_message(found))),
            parse_id(request.import_id, "import_id"),
            request.check_number,
            request.send_confirmations,
        )
        return pb.ConfirmImportResponse(record=_import_message(found))

    async def DiscardImport(self, request: pb.DiscardImportRequest, _: Context) -> pb.DiscardImportResponse:
        found = await commands.discard_import(
            self._context,
            rpc.caller(),
            rpc.once(request, lambda found: pb.DiscardImportResponse(record=_import_message(found))),
            parse_id(request.import_id, "import_id"),
        )
        return pb.DiscardImportResponse(record=_import_message(found))

    async def GetImport(self, request: pb.GetImportRequest, _: Context) -> pb.GetImportResponse:
        import_id = parse_id(request.import_id, "import_id")
        found = await queries.get_import(self._context.database, rpc.caller(), import_id)
        return pb.GetImportResponse(record=_import_message(found))

    async def ListImports(self, request: pb.ListImportsRequest, _: Context) -> pb.ListImportsResponse:
        page = await queries.list_imports(self._context.database, rpc.caller(), request.page.size, request.page.token)
        return pb.ListImportsResponse(
            imports=[_import_message(found) for found in page.items], next_page_token=page.next_token
        )

    async def ListImportRows(self, request: pb.ListImportRowsRequest, _: Context) -> pb.ListImportRowsResponse:
        page = await queries.list_import_rows(
            self._context.database,
            rpc.caller(),
            request.page.size,
            request.page.token,
            parse_id(request.import_id, "import_id"),
            request.problems_only,
        )
        return pb.ListImportRowsResponse(
            rows=[_row_message(row) for row in page.items], next_page_token=page.next_token, columns=COLUMNS
        )


def _started(import_id: UUID) -> pb.StartImportResponse:
    return pb.StartImportResponse(import_id=str(import_id))


def _import_message(found: Import) -> pb.Import:
    return pb.Import(
        import_id=str(found.import_id),
        state=pb.ImportState.ValueType(found.state),
        file_name=found.file_name,
        file_size=found.file_size,
        recognised_encoding=found.recognised,
        encoding=found.encoding,
        send_confirmations=found.send_confirmations,
        check_number=found.check_number,
        rows_total=found.counts.total,
        rows_refused=found.counts.refused,
        rows_imported=found.counts.imported,
        rows_failed=found.counts.failed,
        points_total=found.counts.points,
        created_by=found.created_by,
        created_at=timestamp(found.created_at),
        checked_at=timestamp(found.checked_at),
        started_at=timestamp(found.started_at),
        finished_at=timestamp(found.finished_at),
    )


def _row_message(row: Staged) -> pb.ImportRow:
    member = row.state is RowState.IMPORTED
    return pb.ImportRow(
        number=row.number,
        state=pb.ImportRowState.ValueType(row.state),
        cells=row.cells,
        problems=[_problem_message(problem) for problem in row.problems],
        customer_id=str(row.customer_id) if member else "",
        customer_name=row.name if member else "",
    )


def _problem_message(problem: Problem) -> pb.ImportProblem:
    return pb.ImportProblem(
        column="" if problem.field == "file" else problem.field, reason=problem.reason, params=problem.params
    )
