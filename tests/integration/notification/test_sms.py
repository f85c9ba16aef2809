"""SMS from event to provider, by the real `work` process and a real HTTP server (G1, G2, G3)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping

import pytest

from onefold.identity_merge.v1 import accounts_pb2
from services.common.bus import subject_of
from services.common.ids import new_id
from services.common.outbox import type_of
from services.common.rpc import Server
from tests.integration.notification.conftest import Notification, code_requested
from tests.integration.notification.post_office import Logins, PostOffice
from tests.integration.notification.provider import Answer, Provider

NUMBER = "+85294512053"
COUNT = 300


@pytest.fixture
async def server(logins: Logins) -> AsyncIterator[Server]:
    server = await logins.open()
    yield server
    await server.stop()


@pytest.fixture
async def asked(notification: Notification, server: Server) -> Notification:
    """A store, and somebody who wants a code by SMS; the sender is not started."""
    await notification.open_store("陳記", language="zh-Hant")
    await notification.tell(code_requested(NUMBER, "en"))
    return notification


async def test_a_code_goes_to_a_phone_by_sms_and_the_providers_name_for_it_is_kept(
    asked: Notification, provider: Provider, post_office: PostOffice
) -> None:
    """A3, G1: code first, and last the line by which phones offer it on the store's pages alone. Rule 10: it is nowhere in the database."""
    asked.process.start()
    await asked.until_states("sent")
    [sms], [row] = provider.taken, await asked.rows()
    assert sms == {
        "To": NUMBER,
        "From": "+85250000000",
        "Body": "000001 is your code to log in at 陳記. Good for 10 minutes. Give it to nobody.\n\n@shop.example #000001",
        "ValidityPeriod": "600",
        "StatusCallback": f"https://shop.example/webhooks/sms/{asked.store_id}/{row.message_id}/1",
    }
    assert provider.paths == {"POST /2010-04-01/Accounts/ACtest/Messages.json HTTP/1.1"}
    assert (row.channel, row.recipient, row.provider_id[:2], len(row.provider_id)) == ("sms", NUMBER, "SM", 34)
    assert "000001" not in str(row)
    assert post_office.taken == []
    assert await asked.events() == ["notification.message_sent.v1"]
    log = asked.process.log.read_text()
    assert NUMBER[1:] not in log
    assert "000001" not in log


# What the provider says to a request, and what the message has come to in the end: (state, attempts, error).
ANSWERS: Mapping[str, tuple[Answer | str, tuple[str, int, str]]] = {
    "+85294510001": (Answer.error(400, 21211, "Invalid 'To' number"), ("failed", 1, "400 21211 Invalid 'To' number")),
    "+85294510002": (Answer.error(400, 21610, "Unsubscribed"), ("failed", 1, "400 21610 Unsubscribed")),
    "+85294510003": (Answer.error(403, 21408, "Region not enabled"), ("failed", 1, "403 21408 Region not enabled")),
    # Not taken, so again is safe. The account is refused, or a proxy answers in its place: no fault of the message.
    "+85294510004": (Answer.error(503, 20503, "Service unavailable"), ("sent", 2, "")),
    "+85294510005": (Answer.error(401, 20003, "Authenticate"), ("sent", 2, "")),
    "+85294510006": (Answer(404, b"<html>not here</html>"), ("sent", 2, "")),
    # The number that sends cannot serve this destination, which an operator can mend.
    "+85294510007": (Answer.error(400, 21606, "'From' is not capable"), ("sent", 2, "")),
    # The provider has no idempotency key, and says of a 500 that the SMS may go out.
    "+85294510008": (Answer.error(500, 20500, "Server Error"), ("unknown", 1, "500 20500 Server Error")),
    "+85294510009": (Answer(502, b"bad gateway"), ("unknown", 1, "502")),
    "+85294510010": ("stall", ("unknown", 1, "no answer to the request: TimeoutError")),
    "+85294510011": ("hang up", ("unknown", 1, "no answer to the request: RemoteProtocolError")),
    "+85294510012": ("taken, then hang up", ("unknown", 1, "no answer to the request: RemoteProtocolError")),
    "+85294510013": ("reset", ("unknown", 1, "no answer to the request: ReadError")),
    # The status says "taken", and the body is beyond reason.
    "+85294510014": (Answer(201, b"x" * 1_000_000), ("sent", 1, "")),
    "+85294510015": (Answer(201, b"[]"), ("sent", 1, "")),
}


async def test_what_each_answer_of_the_provider_comes_to(
    notification: Notification, server: Server, provider: Provider
) -> None:
    """G2, E: refused for good, sent again where that is certain to be right, and unknown for a person to decide where it is not."""
    for number, (answer, _) in ANSWERS.items():
        provider.answers[number].append(answer)
    await notification.open_store()
    await notification.tell(*(code_requested(number) for number in ANSWERS))
    notification.process.start({"ONEFOLD_SMS_CONNECTIONS": "5"})
    await notification.until_states(*(state for _, (state, _, _) in ANSWERS.values()))
    found = {row.recipient: (row.state, row.attempts, row.error) for row in await notification.rows()}
    assert found == {number: end for number, (_, end) in ANSWERS.items()}
    assert Counter(sms["To"] for sms in provider.taken).most_common(1)[0][1] == 1


async def test_too_many_requests_are_put_off_for_as_long_as_the_provider_asks(
    asked: Notification, provider: Provider
) -> None:
    """429 was never processed, so again is safe; the whole lane rests, and mails go on."""
    provider.answers[NUMBER].append(Answer.error(429, 20429, "Too Many Requests", retry_after="3"))
    asked.process.start({"ONEFOLD_SMS_CONNECTIONS": "1"})
    await asked.tell(code_requested("chan@mail.example"))
    await asked.until_states("sent", "sent")
    assert provider.asked[1] - provider.asked[0] >= 3
    assert [row.attempts for row in await asked.rows()] == [2, 1]


async def test_nothing_is_lost_while_the_provider_is_away(asked: Notification, provider: Provider) -> None:
    await provider.close()
    asked.process.start()
    async with asyncio.timeout(20):
        while not any(row.error for row in await asked.rows()):
            await asyncio.sleep(0.05)
    assert "cannot connect" in (await asked.rows())[0].error
    await provider.open()
    await asked.until_states("sent")
    assert len(provider.taken) == 1


async def test_without_a_provider_an_sms_fails_and_says_why_and_mails_go_out(asked: Notification) -> None:
    await asked.tell(code_requested("chan@mail.example"))
    asked.process.start({"ONEFOLD_SMS_URL": ""})
    await asked.until_states("failed", "sent")
    [row, _] = await asked.rows()
    assert row.error == "no SMS provider configured"
    assert sorted(await asked.events()) == ["notification.message_failed.v1", "notification.message_sent.v1"]


@pytest.mark.parametrize(
    ("point", "taken"), [("notification.before_data", 0), ("notification.after_data", 1)], ids=["before", "after"]
)
async def test_a_sender_killed_around_the_request_leaves_unknown(
    asked: Notification, provider: Provider, point: str, taken: int
) -> None:
    """E, fault 19."""
    asked.process.start({"ONEFOLD_CRASH_AT": point, "ONEFOLD_SMS_SECONDS": "1"}, wait=False)
    assert await asyncio.to_thread(asked.process.wait) == -9
    asked.process.start()
    await asked.until_states("unknown")
    assert len(provider.taken) == taken


async def test_a_number_that_can_never_be_used_is_told_so_without_a_code(
    notification: Notification, server: Server, logins: Logins, provider: Provider
) -> None:
    """F6, A8: only whoever holds the phone learns it."""
    logins.purpose = accounts_pb2.CODE_PURPOSE_REFUSED
    await notification.open_store("Demo")
    await notification.tell(code_requested(NUMBER, "en", stranger=True))
    notification.process.start()
    await notification.until_states("sent")
    [text] = provider.of(NUMBER)
    assert text.startswith("Demo: this number cannot be used")
    assert "#" not in text


async def test_hundreds_of_sms_told_three_times_go_out_once_each(
    notification: Notification, server: Server, provider: Provider
) -> None:
    """E, X: the copies carry other JetStream ids and come in another order, so that only the inbox can tell.

    With the fewest connections to the database: whoever took one from the pool that `Database` keeps would wait for ever.
    """
    numbers = [f"+8529{n:07}" for n in range(COUNT)]
    wishes = [(str(new_id()), code_requested(number)) for number in numbers]
    js = await notification.bus.jetstream()
    for copy, round_of in enumerate((wishes, wishes[::-1], wishes)):
        for event_id, event in round_of:
            headers = {
                "Nats-Msg-Id": f"{event_id}-{copy}",
                "ce-id": event_id,
                "ce-storeid": str(notification.store_id),
                "ce-aggregateversion": "1",
            }
            await js.publish_async(subject_of(type_of(event)), event.SerializeToString(), headers=headers)
    await js.publish_async_completed()
    await notification.open_store()
    notification.process.start(
        {"ONEFOLD_SMS_PER_SECOND": "1000", "ONEFOLD_SMS_SECONDS": "20", "ONEFOLD_CONNECTIONS": "1"}
    )
    await notification.until_states(*["sent"] * COUNT, seconds=90)
    assert Counter(sms["To"] for sms in provider.taken) == Counter(numbers)
    assert provider.connections <= 4
    first, last = provider.asked[0], provider.asked[-1]
    print(f"{(COUNT - 1) / (last - first):.0f} SMS/s")  # noqa: T201 - see -s
