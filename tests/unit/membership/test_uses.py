"""What holds of two accounts' consents after a merge, and how a consent is read (C6, F8)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.common.errors import InvalidInput
from services.membership.domain import Use, every_kind, merged_use, read_kinds, read_uses, via

KIND = "email_marketing"


def yes(day: int) -> Use:
    return Use(KIND, True, datetime(2026, 1, day, tzinfo=UTC), "customer:1", "account")


def no(day: int) -> Use:
    return Use(KIND, False, datetime(2026, 1, day, tzinfo=UTC), "staff:1", "staff")


@pytest.mark.parametrize(
    ("own", "others", "holds"),
    [
        (None, [], None),
        (yes(1), [], yes(1)),
        (None, [yes(1), no(2)], no(2)),
        (None, [yes(3), no(2)], yes(3)),
        (yes(1), [no(2)], no(2)),
        (yes(2), [no(1)], yes(2)),
        (no(1), [yes(2)], no(1)),
        (yes(1), [no(2), yes(3)], no(2)),
    ],
)
def test_the_primarys_word_holds_unless_somebody_has_said_no_since(
    own: Use | None, others: list[Use], holds: Use | None
) -> None:
    assert merged_use(own, others) == holds


def test_who_was_never_asked_has_not_agreed() -> None:
    assert every_kind({KIND: yes(1)}) == [yes(1), Use("sms_marketing", given=False)]


@pytest.mark.parametrize(
    ("asked", "reason"),
    [([], "required"), ([("fax", True)], "unknown_value"), ([(KIND, True), (KIND, False)], "repeated_consent")],
)
def test_faulty_consents_are_refused(asked: list[tuple[str, bool]], reason: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_uses(asked)
    assert [violation.reason for violation in refused.value.violations] == [reason]


def test_a_registration_names_known_kinds_in_any_order() -> None:
    assert read_kinds(["sms_marketing", KIND, KIND]) == [KIND, "sms_marketing"]
    with pytest.raises(InvalidInput):
        read_kinds(["fax"])


def test_where_a_consent_was_given_is_told_by_who_gave_it() -> None:
    assert [via(actor) for actor in ("customer:1", "staff:1", "api_key:1")] == ["account", "staff", "api"]
