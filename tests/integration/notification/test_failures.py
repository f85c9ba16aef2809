"""What a mail server may do to a message, and what a killed sender leaves behind (E, L; fault 19)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from tests.integration.notification.conftest import Notification, order_placed
from tests.integration.notification.post_office import PostOffice

ADDRESS = "tai-man@mail.example"


async def start_with_one_order(notification: Notification, **environment: str) -> None:
    await notification.open_store()
    await notification.tell(order_placed(ADDRESS))
    notification.process.start(environment)


async def test_a_recipient_that_is_put_off_is_tried_again(notification: Notification, post_office: PostOffice) -> None:
    """G2: 4xx, then accepted."""
    post_office.to_recipient[ADDRESS].append("451 4.3.0 busy, try again")
    await start_with_one_order(notification)
    await notification.until_states("sent")
    [row] = await notification.rows()
    assert (len(post_office.taken), row.attempts, row.error) == (1, 2, "")


async def test_content_that_is_put_off_is_tried_again(notification: Notification, post_office: PostOffice) -> None:
    """A 4xx to the content says that the server did not take it."""
    post_office.to_content[ADDRESS].append("452 4.3.1 no space")
    await start_with_one_order(notification)
    await notification.until_states("sent")
    assert (len(post_office.taken), (await notification.rows())[0].attempts) == (1, 2)


async def test_a_recipient_that_is_refused_ends_the_message_with_the_reason(
    notification: Notification, post_office: PostOffice
) -> None:
    """G2: 5xx. The reason is shown to the store; the log holds no personal data (rule 10)."""
    post_office.to_recipient[ADDRESS].append(f"550 5.1.1 <{ADDRESS}> no such mailbox")
    await start_with_one_order(notification)
    await notification.until_states("failed")
    await notification.tell(order_placed("next@mail.example"))
    await notification.until_states("failed", "sent")
    [row, _] = await notification.rows()
    assert (row.error, row.cause) == (f"550 5.1.1 <{ADDRESS}> no such mailbox", "address_unknown")
    assert await notification.events() == ["notification.message_failed.v1", "notification.message_sent.v1"]
    log = notification.process.log.read_text()
    assert "message_settled" in log
    assert "mail.example" not in log


async def test_content_that_is_refused_ends_the_message(notification: Notification, post_office: PostOffice) -> None:
    post_office.to_content[ADDRESS].append("554 5.7.1 looks like spam")
    await start_with_one_order(notification)
    await notification.until_states("failed")
    assert post_office.taken == []


async def test_a_message_is_given_up_when_it_was_put_off_for_a_day(
    notification: Notification, post_office: PostOffice
) -> None:
    post_office.to_recipient[ADDRESS].extend(["451 4.3.0 busy", "451 4.3.0 still busy"])
    await start_with_one_order(notification, ONEFOLD_MAIL_RETRY_SECONDS="8")
    async with asyncio.timeout(20):
        while not (await notification.rows() and (await notification.rows())[0].failing_since):
            await asyncio.sleep(0.05)
    async with notification.database.across_stores() as tx:
        await tx.execute(
            text("UPDATE messages SET failing_since = now() - interval '24 hours', next_attempt_at = now()")
        )
    await notification.until_states("failed")
    assert (await notification.rows())[0].error == "451 4.3.0 still busy"


async def test_silence_before_the_content_is_tried_again(notification: Notification, post_office: PostOffice) -> None:
    """The server has no content yet, so sending again is safe."""
    post_office.to_recipient[ADDRESS].append("stall")
    await start_with_one_order(notification)
    await notification.until_states("sent")
    assert (len(post_office.taken), (await notification.rows())[0].attempts) == (1, 2)


@pytest.mark.parametrize("answer", ["stall", "hang up"])
async def test_no_answer_to_the_content_leaves_the_message_unknown(
    notification: Notification, post_office: PostOffice, answer: str
) -> None:
    """E: the server may have taken it, so it is never blindly sent again; others go on."""
    post_office.to_content[ADDRESS].append(answer)
    await start_with_one_order(notification)
    await notification.until_states("unknown")
    await notification.tell(order_placed("next@mail.example"))
    await notification.until_states("unknown", "sent")
    await asyncio.sleep(7)  # longer than the lease
    assert await notification.states() == ["unknown", "sent"]
    assert [mail.recipient for mail in post_office.taken] == ["next@mail.example"]


async def test_a_connection_that_was_closed_while_idle_is_made_again_at_once(
    notification: Notification, post_office: PostOffice
) -> None:
    """It costs no attempt and no wait."""
    await start_with_one_order(notification, ONEFOLD_MAIL_CONNECTIONS="1")
    await notification.until_states("sent")
    post_office.to_recipient["next@mail.example"].append("hang up")
    await notification.tell(order_placed("next@mail.example"))
    await notification.until_states("sent", "sent")
    assert [row.attempts for row in await notification.rows()] == [1, 1]
    assert post_office.connections == 2


async def test_nothing_is_lost_while_the_mail_server_is_away(
    notification: Notification, post_office: PostOffice
) -> None:
    await post_office.close()
    await notification.open_store()
    await notification.tell(*(order_placed(f"{n}@mail.example") for n in range(30)))
    notification.process.start()
    async with asyncio.timeout(20):
        while not any(row.error for row in await notification.rows()):
            await asyncio.sleep(0.05)
    assert {row.state for row in await notification.rows()} <= {"queued", "claimed"}
    await post_office.open()
    await notification.until_states(*["sent"] * 30, seconds=40)
    assert len({mail.recipient for mail in post_office.taken}) == len(post_office.taken) == 30


async def test_a_message_that_cannot_be_written_does_not_stop_the_others(
    notification: Notification, post_office: PostOffice
) -> None:
    await notification.open_store()
    await notification.tell(order_placed("no address at all"), order_placed(ADDRESS))
    notification.process.start()
    await notification.until_states("failed", "sent")
    assert (await notification.rows())[0].error.startswith("the message cannot be written")


CRASHES = {
    # point: (states once the sender is back, mails that the server took)
    "notification.before_claim_commit": (["sent", "sent", "sent"], 3),
    "notification.before_data": (["sent", "sent", "unknown"], 2),
    "notification.after_data": (["sent", "sent", "unknown"], 3),
}


@pytest.mark.parametrize("point", CRASHES)
async def test_a_sender_killed_at_any_point_loses_nothing_and_sends_nothing_twice(
    notification: Notification, post_office: PostOffice, point: str
) -> None:
    """E, fault 19: killed around DATA a message becomes `unknown`; all others are sent once."""
    await notification.open_store()
    await notification.tell(*(order_placed(f"{n}@mail.example") for n in range(3)))
    notification.process.start({"ONEFOLD_CRASH_AT": point, "ONEFOLD_MAIL_CONNECTIONS": "1"}, wait=False)
    assert await asyncio.to_thread(notification.process.wait) == -9
    notification.process.start()
    states, taken = CRASHES[point]
    async with asyncio.timeout(60):
        while sorted(await notification.states()) != states:
            await asyncio.sleep(0.05)
    recipients = [mail.recipient for mail in post_office.taken]
    assert len(set(recipients)) == len(recipients) == taken


async def test_a_sender_killed_while_it_only_holds_a_claim_sends_later(
    notification: Notification, post_office: PostOffice
) -> None:
    """E: before `sending` nothing has gone out, so the lease's end means "again"."""
    post_office.to_recipient[ADDRESS].append("stall")
    await start_with_one_order(notification)
    await asyncio.wait_for(post_office.reached.wait(), 20)
    assert await notification.states() == ["claimed"]
    notification.process.kill()
    notification.process.start()
    await notification.until_states("sent", seconds=30)
    assert len(post_office.taken) == 1


async def test_a_sender_killed_while_the_server_thinks_leaves_unknown(
    notification: Notification, post_office: PostOffice
) -> None:
    """E: a kill from outside, in the middle of DATA."""
    post_office.to_content[ADDRESS].append("stall")
    await start_with_one_order(notification)
    await asyncio.wait_for(post_office.reached.wait(), 20)
    assert await notification.states() == ["sending"]
    notification.process.kill()
    post_office.released.set()
    notification.process.start()
    await notification.until_states("unknown", seconds=30)
    [row] = await notification.rows()
    assert "the sender died" in row.error
    assert len(post_office.taken) == 1
    assert await notification.events() == []


async def test_certainty_survives_a_restart_of_the_database(
    notification: Notification, post_office: PostOffice
) -> None:
    """The mail was taken while the database was away: it is still recorded as sent, and not sent again."""
    post_office.to_content[ADDRESS].append("stall")
    await start_with_one_order(notification, ONEFOLD_SMTP_SECONDS="5")
    await asyncio.wait_for(post_office.reached.wait(), 20)
    await disconnect_workers(notification)
    post_office.released.set()
    await notification.until_states("sent")
    assert len(post_office.taken) == 1


async def disconnect_workers(notification: Notification) -> None:
    """Ends every connection of the service, as a restart of the database does."""
    async with notification.database.across_stores() as tx:
        await tx.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'notification-work'")
        )
