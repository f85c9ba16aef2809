"""Groups of accounts as people write them (F1, F2)."""

from __future__ import annotations

import codecs

import pytest

from gateway import merge_files
from onefold.identity_merge.v1 import batches_pb2 as pb
from services.common.errors import InvalidInput

HEADER = ",".join(merge_files.COLUMNS)
ROW = "a,b,c,,,-50,2027-03-31,雙重會員"
GROUP = pb.MergeGroupWish(
    primary_id="a", other_ids=["b", "c"], points="-50", expires_on="2027-03-31", description="雙重會員"
)


@pytest.mark.parametrize(
    "text",
    [
        f"{HEADER}\r\n{ROW}\r\n",
        f"{HEADER},result,problem\n{ROW},failed,mend this\n\n,,\n",
        ROW,
        ROW.replace(",", ";"),
        f" {HEADER.upper()} \n{ROW}".replace(",", "\t"),
        ROW.replace("-50", "'-50"),
        ROW.replace("a,", '" a ",'),
    ],
)
def test_a_file_a_report_and_what_is_pasted_are_read_alike(text: str) -> None:
    """D5's spirit: commas, semicolons and tabs, with or without the header; two columns of a report are left out."""
    assert merge_files.read(text, "pasted") == [GROUP]
    for content in (text.encode(), codecs.BOM_UTF8 + text.encode(), text.encode("utf-16")):
        assert merge_files.read_file(content) == [GROUP]


def test_gaps_and_what_is_wrong_in_a_cell_are_left_to_the_service() -> None:
    assert merge_files.read("a\n,b,,c,,many", "pasted") == [
        pb.MergeGroupWish(primary_id="a"),
        pb.MergeGroupWish(other_ids=["b", "", "c"], points="many"),
    ]
    assert merge_files.read_file(merge_files.SAMPLE) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (ROW.encode("big5hkscs"), "not_utf8"),
        (b"primary_id,points\na,5", "wrong_columns"),
        (f"{ROW},,,one too many".encode(), "wrong_columns"),
        (b'a,"b', "broken_quotes"),
    ],
)
def test_what_is_no_list_of_groups_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        merge_files.read_file(content)
    assert [(v.field, v.reason) for v in caught.value.violations] == [("file", reason)]


def test_a_problem_names_the_column_of_the_file() -> None:
    fields = {"other_ids[3]": "other_4", "other_ids": "other_1", "points": "points", "": ""}
    assert {f: merge_files.column_of(pb.MergeGroupProblem(field=f)) for f in fields} == fields
