"""Imports on a real PostgreSQL: nobody before it is confirmed, everybody once afterwards (D)."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from onefold.membership.v1 import events_pb2
from services.common import clock
from services.common.errors import Conflict, InvalidInput, NotFound, StateConflict
from services.common.paging import LARGEST_SIZE
from services.membership import commands
from services.membership.commands import import_running
from services.membership.domain import Status
from services.membership.domain.imports import COLUMNS, LARGEST_FILE, Import, ImportState, RowState, Staged
from services.membership.queries import imports as queries
from tests.integration.membership.people import Shop, buyer
from tests.integration.membership.ranks import Ranks, level
from tests.integration.membership.test_registration import register
from tests.support.calls import once

HEADER = ",".join(COLUMNS)
Line = dict[str, str]
_numbers = itertools.count(1)


def some_phone() -> str:
    """A mobile of Hong Kong that no other row has."""
    return f"+85291{next(_numbers):06d}"


def member(name: str = "陳小明", **cells: str) -> Line:
    return {"Name": name, "Phone": some_phone()} | {key.replace("_", " "): value for key, value in cells.items()}


def csv_of(lines: Iterable[Line]) -> str:
    rows = (",".join(line.get(column, "") for column in COLUMNS) for line in lines)
    return "\r\n".join((HEADER, *rows)) + "\r\n"


class Desk:
    """Somebody who imports."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.who, self.context = shop, shop.who, shop.context

    async def upload(self, data: bytes | str, piece: int = 1_000_000) -> UUID:
        data = data.encode() if isinstance(data, str) else data
        import_id = await commands.start_import(self.context, self.who, once(self.who), "members.csv", len(data))
        for offset in range(0, len(data), piece):
            part = data[offset : offset + piece]
            await commands.append_file(self.context, self.who, import_id, offset, part)
        await commands.finish_upload(self.context, self.who, import_id)
        return import_id

    async def check(self, import_id: UUID, encoding: str = "") -> Import:
        return await commands.check_import(self.context, self.who, once(self.who), import_id, encoding)

    async def checked(self, data: bytes | str) -> Import:
        return await self.check(await self.upload(data))

    async def confirm(self, found: Import, *, send: bool = True) -> Import:
        return await commands.confirm_import(
            self.context, self.who, once(self.who), found.import_id, found.check_number, send
        )

    async def work(self) -> None:
        await commands.run_imports(self.shop.worker)

    async def imported(self, lines: Iterable[Line], *, send: bool = True) -> Import:
        found = await self.confirm(await self.checked(csv_of(lines)), send=send)
        await self.work()
        return await self.get(found.import_id)

    async def get(self, import_id: UUID) -> Import:
        return await queries.get_import(self.context.database, self.who, import_id)

    async def rows(self, import_id: UUID, *, problems_only: bool = False) -> list[Staged]:
        rows: list[Staged] = []
        token = ""
        while True:
            page = await queries.list_import_rows(
                self.context.database, self.who, LARGEST_SIZE, token, import_id, problems_only
            )
            rows += page.items
            if not (token := page.next_token):
                return rows

    async def reasons(self, import_id: UUID) -> dict[int, list[tuple[str, str]]]:
        rows = await self.rows(import_id, problems_only=True)
        return {row.number: [(problem.field, problem.reason) for problem in row.problems] for row in rows}

    async def members(self) -> list[Any]:
        return await self.shop.rows("SELECT * FROM customers WHERE status = 2 ORDER BY name")


@pytest.fixture
async def desk(shop: Shop) -> AsyncIterator[Desk]:
    yield Desk(shop)
    # What a test leaves running must not be another test's to finish.
    await commands.run_imports(shop.worker)


async def test_a_row_becomes_a_member_with_all_it_says(desk: Desk) -> None:
    """A6, D4: as any other member, with points as a lot of their own."""
    line = member(
        "峯啲衞栢",
        Email="Fung@Shop.hk",
        Birthday="1990-02-28",
        Language="en",
        Tags="VIP;熟客",
        Address="1 Nathan Road",
        Member_Points="120",
        Points_Expiry="2099-03-31",
        Note="calls after six",
    )
    done = await desk.imported([line])
    assert (done.state, done.counts.imported, done.counts.failed) == (ImportState.COMPLETED, 1, 0)
    [row] = await desk.rows(done.import_id)
    assert (row.state, row.name, row.cells) == (RowState.IMPORTED, "峯啲衞栢", [])
    found = await desk.shop.customer(row.customer_id)
    assert (found.status, found.name, found.phone, found.email) == (
        Status.MEMBER,
        "峯啲衞栢",
        line["Phone"],
        "Fung@shop.hk",
    )
    assert (found.birthday, found.language, list(found.tags)) == (date(1990, 2, 28), "en", ["VIP", "熟客"])
    assert [(a.lines, a.country) for a in found.addresses] == [(("1 Nathan Road",), "HK")]
    assert (found.points_balance, found.version) == (120, 2)
    assert await desk.shop.rows("SELECT content, author FROM customer_notes") == [("calls after six", desk.who.actor)]
    [enrolled] = await desk.shop.events("member_enrolled")
    told = events_pb2.MemberEnrolled.FromString(enrolled.payload)
    assert (told.customer_id, told.source, told.without_confirmation) == (str(row.customer_id), "import", False)
    [posted] = await desk.shop.events("points_posted")
    assert (posted.version, events_pb2.PointsPosted.FromString(posted.payload).balance) == (2, 120)
    assert await desk.shop.rows("SELECT 1 FROM customer_search WHERE haystack LIKE '%峯啲%'")
    await desk.shop.audit()


async def test_imported_members_get_the_level_that_begins_at_nothing(desk: Desk) -> None:
    """B1: no order tells of them; in a store without levels nothing comes of it."""
    await desk.imported([member()])
    await commands.move_due_members(desk.shop.worker)
    await Ranks(desk.shop).save(level("Everybody", 0))
    await desk.imported([member()])
    await commands.move_due_members(desk.shop.worker)
    ids = [row.customer_id for row in await desk.members()]
    assert [(await desk.shop.customer(customer_id)).level_name for customer_id in ids] == ["Everybody"] * 2
    assert not await desk.shop.rows("SELECT 1 FROM customers WHERE level_due_at IS NOT NULL")


async def test_a_dry_run_makes_nobody_a_member_and_says_what_the_real_run_says(desk: Desk) -> None:
    """D4: the same verdicts, and nothing written outside of the import itself."""
    taken = await desk.shop.member()
    phone = (await desk.shop.customer(taken)).phone
    before = await desk.shop.state()
    lines = [member(), member(Phone=phone), member(Phone="2123 4567"), member(Member_Points="5"), member(Birthday="x")]
    checked = await desk.checked(csv_of(lines))
    assert (checked.state, checked.counts.total, checked.counts.refused, checked.counts.points) == (
        ImportState.CHECKED,
        5,
        3,
        5,
    )
    refused = {
        3: [("Phone", "already_a_member")],
        4: [("Phone", "not_a_mobile_phone")],
        6: [("Birthday", "invalid_date")],
    }
    assert await desk.reasons(checked.import_id) == refused
    assert await desk.shop.state() == before
    await desk.confirm(checked)
    await desk.work()
    done = await desk.get(checked.import_id)
    assert (done.counts.imported, done.counts.failed) == (2, 0)
    assert await desk.reasons(checked.import_id) == refused
    assert len(await desk.members()) == 3


async def test_identifiers_of_live_merged_and_erased_members_are_refused(desk: Desk) -> None:
    """D2, T: the latter two in the same words."""
    shop = desk.shop
    phones = [some_phone() for _ in range(4)]
    live, merged, erased = [await shop.member(phone) for phone in phones[:3]]
    await shop.absorb(live, merged)
    await shop.rows(
        "UPDATE identifiers SET state = 'retired', value = NULL, retired_at = now() WHERE customer_id = :id RETURNING 1",
        id=erased,
    )
    await shop.rows("UPDATE customers SET status = 5 WHERE customer_id = :id RETURNING 1", id=erased)
    checked = await desk.checked(csv_of(member(Phone=phone) for phone in phones))
    assert await desk.reasons(checked.import_id) == {
        2: [("Phone", "already_a_member")],
        3: [("Phone", "used_before")],
        4: [("Phone", "used_before")],
    }


async def test_the_same_file_twice_makes_nobody_twice(desk: Desk) -> None:
    """D4."""
    lines = [member() for _ in range(5)]
    first = await desk.imported(lines)
    again = await desk.checked(csv_of(lines))
    assert (first.counts.imported, again.counts.refused) == (5, 5)
    with pytest.raises(StateConflict, match="nothing_to_import"):
        await desk.confirm(again)
    assert len(await desk.members()) == 5


async def test_two_uploads_of_one_file_at_once_make_nobody_twice(desk: Desk) -> None:
    """D4, U: both were checked before either ran; two workers run them side by side, in one batch and in many."""
    lines = [member(Email=f"m{n}@shop.hk", Member_Points="10") for n in range(120)]
    runs = [await desk.checked(csv_of(each)) for each in (lines, lines[::-1])]
    for run in runs:
        await desk.confirm(run)
    await asyncio.gather(*(desk.work() for _ in range(4)))
    await desk.work()
    done = [await desk.get(run.import_id) for run in runs]
    assert {run.state for run in done} == {ImportState.COMPLETED}
    assert sum(run.counts.imported for run in done) == 120
    assert sum(run.counts.failed for run in done) == 120
    assert len(await desk.members()) == 120
    assert len(await desk.shop.events("member_enrolled")) == 120
    reasons = [each for run in done for each in (await desk.reasons(run.import_id)).values()]
    assert reasons == [[("Phone", "already_a_member"), ("Email", "already_a_member")]] * 120
    await desk.shop.audit()


async def test_an_import_beside_registrations_of_the_same_phones_makes_one_member_each(desk: Desk) -> None:
    """U, T: by an order, or by themselves. Whoever comes second is reported, or gets the member that is there."""
    lines = [member() for _ in range(100)]
    await desk.confirm(run := await desk.checked(csv_of(lines)))
    orders = (desk.shop.enrol(buyer(line["Phone"])) for line in lines[::4])
    registrations = (register(desk.shop, ("phone", line["Phone"])) for line in lines[2::4])
    await asyncio.gather(desk.work(), *orders, *registrations)
    await desk.work()
    done = await desk.get(run.import_id)
    assert (done.state, done.counts.imported + done.counts.failed) == (ImportState.COMPLETED, 100)
    assert len(await desk.members()) == 100
    assert done.counts.imported >= 50
    await desk.shop.audit()


async def test_a_merge_of_a_listed_phone_midway_reports_the_row(desk: Desk) -> None:
    """Fault 16: the phone was free at the dry run, a member's and merged before its turn."""
    lines = [member() for _ in range(3)]
    await desk.confirm(run := await desk.checked(csv_of(lines)))
    primary, merged = await desk.shop.member(), await desk.shop.member(lines[1]["Phone"])
    await desk.shop.absorb(primary, merged)
    await desk.work()
    rows = await desk.rows(run.import_id)
    assert [row.state for row in rows] == [RowState.IMPORTED, RowState.FAILED, RowState.IMPORTED]
    assert await desk.reasons(run.import_id) == {3: [("Phone", "used_before")]}
    assert rows[1].cells[1] == lines[1]["Phone"], "a failed row keeps its cells for the file of failed rows"
    await desk.shop.audit()


async def test_imports_beside_merges_of_the_same_phones_never_revive_one(desk: Desk) -> None:
    """T, U, fault 16: raced."""
    lines = [member() for _ in range(40)]
    pairs = [(await desk.shop.member(), line) for line in lines[::4]]
    await desk.confirm(await desk.checked(csv_of(lines)))

    async def overtake(primary: UUID, line: Line) -> None:
        enrolled = await desk.shop.enrol(buyer(line["Phone"]))
        await desk.shop.absorb(primary, enrolled.customer_id)

    await asyncio.gather(desk.work(), *(overtake(*pair) for pair in pairs))
    await desk.work()
    await desk.shop.audit()
    assert not await desk.shop.rows("SELECT digest FROM identifiers WHERE state = 'retired' AND value IS NOT NULL")


async def test_without_confirmations_the_event_says_so(desk: Desk) -> None:
    """A4: a switch of whoever imports."""
    await desk.imported([member(Email="quiet@shop.hk")], send=False)
    [event] = await desk.shop.events("member_enrolled")
    assert events_pb2.MemberEnrolled.FromString(event.payload).without_confirmation


async def test_five_hundred_rows_of_problems_are_all_reported(desk: Desk) -> None:
    """Fault 17."""
    checked = await desk.checked(csv_of(member(Phone="x") for _ in range(500)))
    assert checked.counts.refused == 500
    assert set(await desk.reasons(checked.import_id)) == set(range(2, 502))


async def test_a_file_of_failed_rows_uploads_as_it_is_after_mending(desk: Desk) -> None:
    """D4: with its column of problems."""
    good, bad = member(), member(Phone="94512")
    await desk.imported([good, bad])
    mended = csv_of([bad | {"Phone": some_phone()}]).replace("\r\n", ",What was wrong\r\n")
    checked = await desk.checked(mended.replace("What was wrong", "Problem", 1))
    assert (checked.counts.total, checked.counts.refused) == (1, 0)


@pytest.mark.parametrize("writing", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "big5-hkscs", "gb18030"])
async def test_hong_kongs_own_characters_are_imported_exactly(desk: Desk, writing: str) -> None:
    """D5."""
    names = ["峯", "啲", "衞", "栢", "陳大明", "黃志強"]
    await desk.confirm(await desk.checked(csv_of(member(name) for name in names).encode(writing)))
    await desk.work()
    assert {row.name for row in await desk.members()} == set(names)


async def test_what_cp950_lost_is_named_and_the_rest_imported(desk: Desk) -> None:
    """D5: a spreadsheet writes ? where CP950 has no character."""
    data = csv_of(member(name) for name in ("李家栢", "裏仁", "陳大明")).encode("cp950", "replace")
    checked = await desk.checked(data)
    assert await desk.reasons(checked.import_id) == {2: [("Name", "lost_character")]}
    await desk.confirm(checked)
    await desk.work()
    assert [row.name for row in await desk.members()] == ["裏仁", "陳大明"]


async def test_another_encoding_may_be_tried_until_it_is_confirmed(desk: Desk) -> None:
    """D5: what is confirmed is the dry run that was seen."""
    import_id = await desk.upload(csv_of([member("峯"), member("啲")]).encode("big5-hkscs"))
    with pytest.raises(InvalidInput, match="not_decodable"):
        await desk.check(import_id, "utf-8")
    with pytest.raises(InvalidInput, match="unknown_value"):
        await desk.check(import_id, "latin-1")
    wrong = await desk.check(import_id, "gb18030")
    right = await desk.check(import_id)
    assert (wrong.encoding, right.encoding, right.check_number) == ("gb18030", "big5-hkscs", 2)
    with pytest.raises(Conflict, match="stale_check"):
        await desk.confirm(wrong)
    await desk.confirm(right)
    with pytest.raises(StateConflict, match="import_confirmed"):
        await desk.check(import_id)
    await desk.work()
    assert {row.name for row in await desk.members()} == {"峯", "啲"}


async def test_pieces_are_idempotent_by_their_place_and_come_in_order(desk: Desk) -> None:
    """E7."""
    data = csv_of([member()]).encode()
    import_id = await commands.start_import(desk.context, desk.who, once(desk.who), "m.csv", 0)

    async def append(offset: int, part: bytes) -> int:
        return await commands.append_file(desk.context, desk.who, import_id, offset, part)

    with pytest.raises(InvalidInput, match="part_missing"):
        await append(10, data[10:])
    assert await append(0, data[:10]) == 10
    assert await append(0, data[:10]) == 10
    with pytest.raises(Conflict, match="idempotency_key_reused"):
        await append(0, data[1:11])
    assert await append(10, data[10:]) == len(data)
    with pytest.raises(InvalidInput, match="part_too_large"):
        await append(len(data), bytes(1024 * 1024 + 1))
    with pytest.raises(InvalidInput, match="file_too_large"):
        await append(LARGEST_FILE, b"x")
    with pytest.raises(InvalidInput, match="file_too_large"):
        await commands.start_import(desk.context, desk.who, once(desk.who), "m.csv", LARGEST_FILE + 1)
    first = await commands.finish_upload(desk.context, desk.who, import_id)
    assert await commands.finish_upload(desk.context, desk.who, import_id) == first
    with pytest.raises(StateConflict, match="upload_finished"):
        await append(len(data), b"more")
    assert await append(10, data[10:]) == len(data)


async def test_a_repeated_upload_of_a_completed_import_is_answered_as_the_first(desk: Desk) -> None:
    """E7: its file is deleted by then."""
    line = member()
    done = await desk.imported([line])
    data = csv_of([line]).encode()
    assert await commands.append_file(desk.context, desk.who, done.import_id, 0, data) == len(data)
    assert await commands.finish_upload(desk.context, desk.who, done.import_id) == done


async def test_what_is_no_csv_is_refused_and_not_listed(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="spreadsheet_file"):
        await desk.upload(b"PK\x03\x04" + b"xl/workbook.xml")
    assert not (await queries.list_imports(desk.context.database, desk.who, 0, "")).items


async def test_the_preview_shows_lines_and_what_is_wrong_with_the_file(desk: Desk) -> None:
    """D5."""
    import_id = await desk.upload(csv_of([member("峯")]).replace("Note", "Notes").encode("big5-hkscs"))
    shown = await queries.preview_import(desk.context.database, desk.who, import_id, "")
    assert (shown.encoding, shown.lines[1][0]) == ("big5-hkscs", "峯")
    assert [problem.reason for problem in shown.problems] == ["column_misnamed"]
    with pytest.raises(InvalidInput, match="column_misnamed"):
        await desk.check(import_id)


async def test_files_and_rows_go_after_seven_days_and_nothing_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left says who imported when and how many; what was never confirmed cannot be any more."""
    done = await desk.imported([member(), member(Phone="x")])
    waiting = await desk.checked(csv_of([member()]))
    assert not await desk.shop.rows("SELECT 1 FROM import_parts WHERE import_id = :id", id=done.import_id)
    await commands.purge_imports(desk.shop.worker)
    assert len(await desk.rows(done.import_id)) == 2
    later = clock.now() + timedelta(days=7, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    await commands.purge_imports(desk.shop.worker)
    assert not await desk.shop.rows("SELECT 1 FROM import_rows UNION ALL SELECT 1 FROM import_parts")
    assert (await desk.get(done.import_id)).counts == done.counts
    assert (await desk.get(waiting.import_id)).state is ImportState.EXPIRED
    with pytest.raises(StateConflict, match="import_expired"):
        await desk.confirm(waiting)


async def test_a_row_that_fails_by_a_defect_does_not_hold_up_the_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """L: the import ends, and says which row it was."""
    real = import_running.search_text

    def fails_for_one(name: str, phone: str, email: str) -> Any:
        if name == "Poison":
            raise RuntimeError("a defect")
        return real(name, phone, email)

    monkeypatch.setattr(import_running, "search_text", fails_for_one)
    done = await desk.imported([member(), member("Poison"), member()])
    assert (done.state, done.counts.imported, done.counts.failed) == (ImportState.COMPLETED, 2, 1)
    assert await desk.reasons(done.import_id) == {3: [("", "internal")]}


async def test_another_stores_imports_are_not_found(desk: Desk) -> None:
    """S: by no call."""
    checked = await desk.checked(csv_of([member()]))
    stranger = Desk(desk.shop.another())
    for attempt in (
        stranger.get(checked.import_id),
        stranger.check(checked.import_id),
        stranger.confirm(checked),
        stranger.rows(checked.import_id),
        commands.append_file(stranger.context, stranger.who, checked.import_id, 0, b"x"),
        commands.finish_upload(stranger.context, stranger.who, checked.import_id),
        queries.preview_import(stranger.context.database, stranger.who, checked.import_id, ""),
    ):
        with pytest.raises(NotFound, match="import_not_found"):
            await attempt
    assert not (await queries.list_imports(stranger.context.database, stranger.who, 0, "")).items
