"""How points by their expiry are read, in the store's days (F4, G3)."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.console import ask
from gateway.console.frame import _by_expiry
from gateway.console.merge_words import by_expiry, lot_text
from onefold.membership.v1.service_pb2 import FieldOutcome, PointsLot

# In Hong Kong the first moments of 2 and 16 March, and of 1 April: valid until the day before.
FIRST, SECOND, LAST = "2027-03-01T16:00:00+00:00", "2027-03-15T16:00:00+00:00", "2027-03-31T16:00:00+00:00"


@pytest.fixture(autouse=True)
def in_hong_kong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask, "zone", lambda: ZoneInfo("Asia/Hong_Kong"))
    monkeypatch.setattr(ask, "locale", lambda: "en")


def test_points_are_told_of_by_their_last_day_or_by_the_first_and_the_last(app: Flask) -> None:
    with app.test_request_context():
        assert lot_text("1200") == "1,200 points without expiry"
        assert lot_text(f"1200 {LAST}") == "1,200 points until 31 Mar 2027"
        assert lot_text(f"1200 {FIRST}/{LAST}") == "1,200 points that run out from 1 Mar 2027 to 31 Mar 2027"
        assert lot_text(f"1200 {FIRST}/{FIRST}") == "1,200 points until 1 Mar 2027"


def test_the_first_to_run_out_come_first_and_those_that_never_do_come_last(app: Flask) -> None:
    values = ["9", f"1 {LAST}", f"2 {FIRST}/{LAST}", f"3 {SECOND}"]
    outcomes = [FieldOutcome(field="lot", value=value) for value in values]
    assert [found.value for found in by_expiry(outcomes)] == [values[3], values[1], values[2], values[0]]
    lots = [_lot(1, LAST), _lot(2, LAST, FIRST), _lot(3, SECOND), PointsLot(customer_id="a", remaining=9)]
    lots += [_lot(5, LAST, owner="b"), _lot(7, LAST), _lot(6, SECOND, FIRST)]
    with app.test_request_context():
        assert _by_expiry(lots, {"a": "Chan", "b": "Wong"}) == [
            ("15 Mar 2027", 3, [("Chan", 3)]),
            ("1 Mar 2027 to 15 Mar 2027", 6, [("Chan", 6)]),
            ("31 Mar 2027", 13, [("Chan", 8), ("Wong", 5)]),
            ("during March 2027", 2, [("Chan", 2)]),
            ("No expiry", 9, [("Chan", 9)]),
        ]


def test_many_days_of_one_account_are_told_of_by_the_month(app: Flask) -> None:
    few = [_lot(n, f"2027-03-{n:02}T16:00:00+00:00") for n in range(1, 13)]
    many = [*few, _lot(50, LAST), _lot(7, "2027-04-02T16:00:00+00:00"), PointsLot(customer_id="a", remaining=9)]
    with app.test_request_context():
        assert _by_expiry(few) == [(f"{n} Mar 2027", n, [(f"{n} Mar 2027", n)]) for n in range(1, 13)]
        march, april, never = _by_expiry(many)
    assert (march[:2], march[2][-1], len(march[2])) == (("during March 2027", 128), ("31 Mar 2027", 50), 13)
    assert april == ("2 Apr 2027", 7, [("2 Apr 2027", 7)])
    assert never == ("No expiry", 9, [("No expiry", 9)])


def _lot(points: int, until: str, since: str = "", owner: str = "a") -> PointsLot:
    lot = PointsLot(customer_id=owner, remaining=points, expires_at=_stamp(until))
    if since:
        lot.expires_from.CopyFrom(_stamp(since))
    return lot


def _stamp(text: str) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.fromisoformat(text).astimezone(UTC))
    return stamp
