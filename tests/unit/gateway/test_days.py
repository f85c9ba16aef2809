"""Days of the store as moments."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from gateway.days import begin_of, end_of
from services.common.errors import InvalidInput

HONG_KONG = ZoneInfo("Asia/Hong_Kong")


def test_a_day_begins_and_ends_by_the_clock_of_the_store() -> None:
    begin, end = begin_of("2026-11-24", HONG_KONG, "from"), end_of("2026-11-24", HONG_KONG, "to")
    assert begin is not None
    assert end is not None
    assert (begin.ToJsonString(), end.ToJsonString()) == ("2026-11-23T16:00:00Z", "2026-11-24T16:00:00Z")
    assert begin_of("", HONG_KONG, "from") is end_of("", HONG_KONG, "to") is None


@pytest.mark.parametrize(
    "text", ["2026-02-30", "20261124", "24/11/2026", "0001-01-01", "9999-12-31", "today", "2026-W48-2"]
)
def test_what_is_no_day_is_refused_by_its_name(text: str) -> None:
    for read in (begin_of, end_of):
        with pytest.raises(InvalidInput, match="placed_from: invalid_date"):
            read(text, HONG_KONG, "placed_from")
