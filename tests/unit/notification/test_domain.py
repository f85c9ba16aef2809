"""What follows from an attempt, and how the mail server is named (G2, E)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.common.config import ConfigError
from services.common.ids import new_id
from services.notification import domain
from services.notification.clients import MailServer
from services.notification.commands import why_not_to_send
from services.notification.domain import Cause, Channel, Claimed, Kind, Message, State, Store

STORE = Store("demo", "Demo", "en", "Asia/Hong_Kong", "HKD", "HK")


def claimed(attempts: int = 1, failing_seconds: float = 0) -> Claimed:
    message = Message(
        new_id(),
        Kind.ORDER_PLACED,
        Channel.EMAIL,
        "a@mail.example",
        State.CLAIMED,
        attempts,
        "",
        None,
        None,
        datetime.now(UTC),
        None,
    )
    return Claimed(new_id(), message, "", {}, STORE, failing_seconds)


def test_a_refusal_for_now_is_retried_with_growing_delay_up_to_fifteen_minutes() -> None:
    delays = [
        domain.put_off(claimed(attempts), "451 busy", Cause.SERVER_BUSY, 10).retry_seconds for attempts in range(1, 40)
    ]
    assert all(half <= delay <= 2 * half for delay, half in zip(delays, [5, 10, 20, 40, 80, 160, 320], strict=False))
    assert all(450 <= delay <= 900 for delay in delays[7:])
    assert len(set(delays)) > 30  # jitter


def test_a_refusal_for_now_is_final_after_a_day() -> None:
    assert domain.put_off(claimed(99, 86_399), "451 busy", Cause.SERVER_BUSY, 10).state is State.QUEUED
    given_up = domain.put_off(claimed(99, 86_400), "451 busy", Cause.SERVER_BUSY, 10)
    assert given_up == domain.Outcome(State.FAILED, "451 busy", Cause.SERVER_BUSY)


def test_a_part_of_our_own_that_is_away_is_asked_again_soon_and_never_given_up() -> None:
    outcome = domain.waits(claimed(99, 10**7), "identity_merge is away", 10)
    assert outcome.state is State.QUEUED
    assert outcome.retry_seconds <= 30
    assert not outcome.failing


def test_reasons_are_cut_to_what_a_person_reads() -> None:
    assert len(domain.refused("x" * 5_000, Cause.REFUSED).error) == 300


def order_entered_at(at: datetime) -> UUID:
    return UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62))


@pytest.mark.parametrize(
    ("age", "sent"),
    [
        (timedelta(0), True),
        (timedelta(minutes=-5), True),
        (timedelta(days=2, hours=23), True),
        (timedelta(days=4), False),
    ],
)
def test_only_orders_of_these_days_are_written_to_their_buyers(age: timedelta, sent: bool) -> None:
    """A till's queue of an outage is of these days (E8); a history loaded from elsewhere is not."""
    entered = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
    assert (why_not_to_send(order_entered_at(entered), entered - age) == "") is sent


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://127.0.0.1:2525", MailServer("127.0.0.1", 2525, None, None, False, False, 20)),
        ("smtp://mail.example?starttls=true", MailServer("mail.example", 587, None, None, False, True, 20)),
        ("smtps://me:p%40ss@mail.example", MailServer("mail.example", 465, "me", "p@ss", True, False, 20)),
        ("smtp://me:pw@localhost:25", MailServer("localhost", 25, "me", "pw", False, False, 20)),
    ],
)
def test_mail_servers_are_named_by_urls(url: str, server: MailServer) -> None:
    assert MailServer.parse(url, 20) == server


@pytest.mark.parametrize("url", ["http://mail.example", "smtp://", "mail.example:25", "smtps://a?starttls=true"])
def test_other_urls_are_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigError, match="ONEFOLD_SMTP_URL"):
        MailServer.parse(url, 20)


def test_a_password_never_travels_in_clear() -> None:
    """Rule 10."""
    with pytest.raises(ConfigError, match="in clear"):
        MailServer.parse("smtp://me:pw@mail.example", 20)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ("550 5.1.1 <a@b.example> no such mailbox", Cause.ADDRESS_UNKNOWN),
        ("550-5.1.1 The email account that you tried to reach does not exist", Cause.ADDRESS_UNKNOWN),
        ("550 No such user here", Cause.ADDRESS_UNKNOWN),
        ("550 Requested action not taken: mailbox not found", Cause.ADDRESS_UNKNOWN),
        ("556 5.1.10 null MX", Cause.DOMAIN_UNKNOWN),
        ("550 5.2.1 mailbox disabled", Cause.MAILBOX_DISABLED),
        ("452 4.2.2 over quota", Cause.MAILBOX_FULL),
        ("552 exceeded storage allocation", Cause.MAILBOX_FULL),
        ("552 5.3.4 message too big", Cause.TOO_LARGE),
        ("553 5.6.7 no SMTPUTF8", Cause.ADDRESS_UNSUPPORTED),
        ("554 5.7.1 looks like spam", Cause.SPAM),
        ("550 5.7.26 this mail is unauthenticated", Cause.SPAM),
        ("554 blocked, see our blocklist", Cause.SPAM),
        ("450 4.7.1 greylisted, come back later", Cause.SERVER_BUSY),
        ("451 try again", Cause.SERVER_BUSY),
        ("554 no", Cause.REFUSED),
    ],
)
def test_answers_of_mail_servers_have_a_cause_in_a_word(answer: str, cause: Cause) -> None:
    """G2: RFC 3463 where the server speaks it, else its words."""
    assert domain.of_smtp(answer) is cause


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (21211, Cause.NUMBER_UNKNOWN),
        (21614, Cause.NOT_A_MOBILE),
        (21610, Cause.OPTED_OUT),
        (21408, Cause.COUNTRY_NOT_SERVED),
        (30003, Cause.UNREACHABLE),
        (30007, Cause.SPAM),
        (0, Cause.REFUSED),
        (99_999, Cause.REFUSED),
    ],
)
def test_codes_of_the_sms_provider_have_a_cause_in_a_word(code: int, cause: Cause) -> None:
    assert domain.of_twilio(code) is cause
