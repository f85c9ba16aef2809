"""Letting go of an upload on a real PostgreSQL: at once, for good, and never after it is confirmed (D)."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from services.common.errors import NotFound, StateConflict
from services.common.ids import new_id
from services.membership import commands
from services.membership.domain.imports import Import, ImportState
from services.membership.queries import imports as queries
from tests.integration.membership.people import Shop
from tests.integration.membership.test_imports import Desk, csv_of, member
from tests.support.calls import once


@pytest.fixture
def desk(shop: Shop) -> Desk:
    return Desk(shop)


async def discard(desk: Desk, import_id: UUID) -> Import:
    return await commands.discard_import(desk.context, desk.who, once(desk.who), import_id)  # type: ignore[arg-type]


async def test_a_discarded_upload_leaves_its_record_and_nothing_to_confirm(desk: Desk) -> None:
    """D4: at whatever step it was, and as often as it is asked; not once it is confirmed."""
    uploading = await commands.start_import(desk.context, desk.who, once(desk.who), "a.csv", 0)
    await commands.append_file(desk.context, desk.who, uploading, 0, b"Name")
    uploaded, found = await desk.upload(csv_of([member()])), await desk.checked(csv_of([member(), member(Phone="x")]))
    for import_id in (uploading, uploaded, found.import_id, found.import_id):
        assert (await discard(desk, import_id)).state is ImportState.DISCARDED
    assert not await desk.shop.rows("SELECT 1 FROM import_rows UNION ALL SELECT 1 FROM import_parts")
    assert (await desk.get(found.import_id)).counts == found.counts
    page = await queries.list_imports(desk.context.database, desk.who, 10, "")
    assert [each.import_id for each in page.items] == [found.import_id, uploaded, uploading]
    for late in (desk.confirm(found), desk.check(uploaded)):
        with pytest.raises(StateConflict, match="import_discarded"):
            await late
    with pytest.raises(StateConflict, match="import_discarded"):
        await queries.preview_import(desk.context.database, desk.who, found.import_id, "")
    assert (await commands.finish_upload(desk.context, desk.who, uploading)).state is ImportState.DISCARDED
    with pytest.raises(StateConflict, match="upload_finished"):
        await commands.append_file(desk.context, desk.who, uploading, 4, b",Phone")
    for confirmed in (
        running := await desk.confirm(await desk.checked(csv_of([member()]))),
        await _worked(desk, running),
    ):
        with pytest.raises(StateConflict, match="import_confirmed"):
            await discard(desk, confirmed.import_id)
    with pytest.raises(NotFound, match="import_not_found"):
        await discard(desk, new_id())


async def _worked(desk: Desk, running: Import) -> Import:
    await desk.work()
    return await desk.get(running.import_id)


async def test_an_upload_is_either_discarded_or_confirmed(desk: Desk) -> None:
    """D4: whoever comes second is told."""
    for _ in range(4):
        found = await desk.checked(csv_of([member()]))
        raced = await asyncio.gather(desk.confirm(found), discard(desk, found.import_id), return_exceptions=True)
        (won,) = (each for each in raced if isinstance(each, Import))
        (told,) = (each for each in raced if isinstance(each, StateConflict))
        discarded = won.state is ImportState.DISCARDED
        assert told.reason == ("import_discarded" if discarded else "import_confirmed")
        await desk.work()
        assert (await desk.get(found.import_id)).counts.imported == (0 if discarded else 1)
