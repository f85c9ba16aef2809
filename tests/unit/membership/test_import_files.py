"""Files of members: encodings, what a file must be, and the format (D1, D3, D5)."""

from __future__ import annotations

import codecs
import io
import random
import zipfile
from datetime import date

import pytest
from faker import Faker
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.errors import InvalidInput
from services.membership.domain.imports import (
    COLUMNS,
    MOST_ROWS,
    Encoding,
    check_kind,
    decode,
    preview,
    read_rows,
    recognise,
    sample_file,
)

HEADER = ",".join(COLUMNS)
# Hong Kong's characters that Big5 lacks.
LOCAL = "峯啲衞栢堃喆邨着"
NAMES = ["陳大文", "黃志強", "林小玲", "李家怡", "歐陽家明"]


def file(*lines: str, header: str = HEADER) -> str:
    return "\r\n".join((header, *lines)) + "\r\n"


def line(name: str, phone: str = "9451 2053", **more: str) -> str:
    cells = {"Name": name, "Phone": phone} | {key.replace("_", " "): value for key, value in more.items()}
    return ",".join(cells.get(column, "") for column in COLUMNS)


def _read(data: bytes, encoding: Encoding) -> None:
    check_kind(data)
    read_rows(data, encoding)


def faults(data: bytes | str, encoding: Encoding = Encoding.UTF_8) -> list[tuple[str, dict[str, str]]]:
    raw = data.encode() if isinstance(data, str) else data
    with pytest.raises(InvalidInput) as refusal:
        _read(raw, encoding)
    assert {violation.field for violation in refusal.value.violations} == {"file"}
    return [(violation.reason, violation.params) for violation in refusal.value.violations]


WRITINGS = [
    ("utf-8", Encoding.UTF_8),
    ("utf-8-sig", Encoding.UTF_8),
    ("utf-16", Encoding.UTF_16_LE),
    ("utf-16-le", Encoding.UTF_16_LE),
    ("utf-16-be", Encoding.UTF_16_BE),
    ("big5-hkscs", Encoding.BIG5_HKSCS),
    ("gb18030", Encoding.GB18030),
]


@pytest.mark.parametrize(("writing", "encoding"), WRITINGS, ids=[writing for writing, _ in WRITINGS])
def test_hong_kongs_own_characters_survive_every_encoding_that_has_them(writing: str, encoding: Encoding) -> None:
    """D5: recognised without being told, and every character exact."""
    text = file(*(line(name) for name in (*NAMES, *LOCAL)))
    data = text.encode(writing)
    assert recognise(data, "HK") is encoding
    assert decode(data, encoding) == text
    assert [row.cells[0] for row in read_rows(data, encoding)] == [*NAMES, *LOCAL]


def test_cp950_is_recognised_and_what_it_lacks_it_cannot_have_lost_here() -> None:
    """D5: CP950 has none of 峯 啲 衞 栢; a spreadsheet has written ? in their place, which judging names."""
    text = file(*(line(name) for name in [*NAMES, "の店", "€"]))
    data = text.encode("cp950")
    assert recognise(data, "TW") is Encoding.CP950
    assert decode(data, recognise(data, "TW")) == text
    assert all(character.encode("cp950", "replace") == b"?" for character in LOCAL)


@pytest.mark.parametrize("region", ["HK", "TW"])
@pytest.mark.parametrize(
    ("locale", "writing"), [("zh_TW", "big5-hkscs"), ("zh_TW", "cp950"), ("zh_TW", "gb18030"), ("zh_CN", "gb18030")]
)
def test_ten_names_are_enough_to_tell_big5_from_gb(region: str, locale: str, writing: str) -> None:
    """D5: 50 files of ten names each, none misread."""
    people = Faker(locale)
    people.seed_instance(5)
    for _ in range(50):
        text = file(*(line(people.name()) for _ in range(10)))
        try:
            data = text.encode(writing)
        except UnicodeEncodeError:
            continue
        assert decode(data, recognise(data, region)) == text


def test_big5_that_reads_as_gb_without_an_error_is_not_taken_for_it() -> None:
    """D5: the trap that strict decoding alone falls into."""
    data = file(*(line(name) for name in NAMES)).encode("big5-hkscs")
    assert decode(data, Encoding.GB18030)
    assert recognise(data, "HK") is Encoding.BIG5_HKSCS


def test_a_utf_8_file_with_one_torn_character_is_still_utf_8_and_the_row_is_named() -> None:
    data = file(*(line(name) for name in NAMES)).encode().replace("林".encode(), "林".encode()[:2])
    assert recognise(data, "HK") is Encoding.UTF_8
    assert faults(data) == [("not_decodable", {"row": "4", "encoding": "utf-8"})]


def test_a_wrong_encoding_is_visible_in_the_preview_and_a_reading_that_fails_names_its_row() -> None:
    """D5: the person sees decoded rows before anything is written."""
    data = file(line("峯"), line("啲")).encode("big5-hkscs")
    assert [lines[0] for lines in preview(data, Encoding.BIG5_HKSCS)] == ["Name", "峯", "啲"]
    assert [lines[0] for lines in preview(data, Encoding.GB18030)] != ["Name", "峯", "啲"]
    assert "\ufffd" in preview(data, Encoding.UTF_8)[1][0]
    assert faults(data, Encoding.CP950)[0] == ("not_decodable", {"row": "2", "encoding": "cp950"})


@given(st.binary(max_size=400), st.sampled_from(list(Encoding)))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_read_or_refused_by_the_file(data: bytes, encoding: Encoding) -> None:
    """D3: no other error, whatever is uploaded under whichever encoding."""
    recognise(data, "HK")
    preview(data, encoding)
    try:
        check_kind(data)
        rows = read_rows(data, encoding)
    except InvalidInput as error:
        assert {violation.field for violation in error.violations} == {"file"}  # noqa: PT017
    else:
        assert 0 < len(rows) <= MOST_ROWS


@pytest.mark.parametrize("region", ["HK", "TW"])
def test_the_sample_file_has_the_exact_header_and_is_read_as_it_is(region: str) -> None:
    """D1."""
    data = sample_file(region, date(2026, 11, 24))
    assert data.startswith(codecs.BOM_UTF8 + HEADER.encode())
    assert recognise(data, region) is Encoding.UTF_8
    assert len(read_rows(data, Encoding.UTF_8)) == 2


def test_rows_are_counted_as_spreadsheets_count_them() -> None:
    """D3: the header is row 1, a cell with line breaks is one row, blank rows count and are left out."""
    data = file(line("A", Address='"1 Road\r\nFloor 2"'), ",,,,,,,,,", "", line("B"))
    assert [(row.number, row.cells[0]) for row in read_rows(data.encode(), Encoding.UTF_8)] == [(2, "A"), (5, "B")]


def archive(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr(name, "x")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf\r\n \r\n", "empty_file"),
        (archive("xl/workbook.xml"), "spreadsheet_file"),
        (b"\xd0\xcf\x11\xe0" + bytes(100), "spreadsheet_file"),
        (archive("members.csv"), "packed_file"),
        (b"%PDF-1.7 ...", "not_a_csv"),
        (HEADER + "\r\n", "no_rows"),
        (HEADER + "\r\n,,,,,,,,,\r\n", "no_rows"),
        (file(line("A\0B")), "zero_bytes"),
        (file(line('"Never closed')), "broken_quotes"),
        (file(line('"A" B')), "broken_quotes"),
        (file(line('"' + "x" * 200_000 + '"')), "cell_too_large"),
        (file(*[line("A")] * 501), "too_many_rows"),
        (file(line("A")).replace(",", ";"), "semicolon_separated"),
        (file(line("A")).replace(",", "\t"), "tab_separated"),
        ("陳大文,9451 2053,,,,,,,,\r\n", "header_missing"),
        ("姓名,電話,電郵,生日,語言,標籤,地址,積分,到期日,備註\r\n" + line("A"), "header_translated"),
        (file(line("A"), header=HEADER.replace("Email,", "")), "column_missing"),
        (file(line("A"), header=HEADER.replace("Member Points,", "")), "column_missing"),
        (file(line("A"), header=HEADER + ",Shoe Size"), "column_extra"),
        (file(line("A"), header=HEADER.replace("Name,Phone", "Phone,Name")), "columns_reordered"),
        (file(line("A"), header=HEADER.replace("Email", "E-mail")), "column_misnamed"),
        (file(line("A"), header=HEADER.lower().replace("member points", "Member Points")), None),
    ],
)
def test_a_file_that_cannot_be_an_import_says_why(data: bytes | str, expected: str | None) -> None:
    """D1, D3, fault 17."""
    found = faults(data)
    assert {reason for reason, _ in found} == {expected or "column_misnamed"}


def test_a_fault_of_the_header_names_row_and_column() -> None:
    """D3: every one of them at once."""
    header = HEADER.replace("Email", "Mail & more=").replace("Note", "Remark")
    assert faults(file(line("A"), header=header)) == [
        ("column_misnamed", {"row": "1", "place": "3", "found": "Mail ＆ more＝", "column": "Email"}),
        ("column_misnamed", {"row": "1", "place": "10", "found": "Remark", "column": "Note"}),
    ]
    assert faults(file(line("A"), header=HEADER.replace("Member Points,", ""))) == [
        ("column_missing", {"row": "1", "column": "Member Points"})
    ]


def test_exactly_five_hundred_rows_are_taken() -> None:
    """D1."""
    assert len(read_rows(file(*[line("A")] * 500).encode(), Encoding.UTF_8)) == 500


def test_our_own_files_of_failed_rows_are_taken_as_they_are() -> None:
    """D4: their last column says what was wrong, and is not read."""
    rows = read_rows(
        file(line("A") + ",This phone is not a number", header=HEADER + ",Problem").encode(), Encoding.UTF_8
    )
    assert len(rows[0].cells) == len(COLUMNS)


def test_blank_columns_at_the_end_are_none() -> None:
    """D1: nobody sees them, and spreadsheets write them."""
    [row] = read_rows(file(line("A") + ",, ", header=HEADER + ",,").encode(), Encoding.UTF_8)
    assert len(row.cells) == len(COLUMNS)
    [row] = read_rows(file(line("A", Member_Points="1,000")).encode(), Encoding.UTF_8)
    assert len(row.cells) == len(COLUMNS) + 1, "a comma in a cell is no blank column"


def test_a_large_file_is_read_in_moderate_time() -> None:
    """D1: 15 MiB of Chinese; guessing looks at a part, strict reading at all of it."""
    random.seed(1)
    address = "".join(random.choice("陳黃李張王林香港九龍新界") for _ in range(14_000))
    data = file(*(line(name, Address=address) for name in NAMES * 100)).encode("big5-hkscs")
    assert 13_000_000 < len(data) < 15 * 1024 * 1024
    assert recognise(data, "HK") is Encoding.BIG5_HKSCS
    assert len(read_rows(data, Encoding.BIG5_HKSCS)) == 500
