"""How fast mail goes out: as fast as allowed and no faster, over few connections (G2)."""

from __future__ import annotations

import psutil

from tests.integration.notification.conftest import Notification, order_placed
from tests.integration.notification.post_office import PostOffice

MAILS = 200


async def send_many(notification: Notification, post_office: PostOffice, per_second: int) -> tuple[float, float]:
    """Sends MAILS that were queued beforehand; gives mails per second, and per second of the sender's processor time."""
    await notification.tell(*(order_placed(f"{n}@mail.example") for n in range(MAILS)))
    notification.process.start({"ONEFOLD_MAIL_PER_SECOND": str(per_second), "ONEFOLD_SMTP_SECONDS": "20"})
    await notification.until_rows(MAILS)
    process = psutil.Process(notification.process.pid)
    before = process.cpu_times()
    await notification.open_store()  # the messages have waited for it
    await notification.until_states(*["sent"] * MAILS, seconds=60)
    assert len({mail.mail["Message-ID"] for mail in post_office.taken}) == MAILS
    assert post_office.connections <= 2
    after = process.cpu_times()
    rate = (MAILS - 1) / (post_office.taken[-1].at - post_office.taken[0].at)
    return rate, MAILS / (after.user + after.system - before.user - before.system)


async def test_a_burst_goes_out_no_faster_than_is_set(notification: Notification, post_office: PostOffice) -> None:
    """Providers cap rates."""
    rate, _ = await send_many(notification, post_office, per_second=50)
    assert rate < 51


async def test_sending_costs_little_with_each_step_committed(
    notification: Notification, post_office: PostOffice
) -> None:
    """E costs two commits for each mail; that must leave room for a hundred mails a second.

    Asked of the sender's processor time, and with a margin, for the tests may share the machine.
    """
    rate, per_processor_second = await send_many(notification, post_office, per_second=10_000)
    print(f"{rate:.0f} mails/s, {per_processor_second:.0f} for each second of the processor")  # noqa: T201 - see -s
    assert per_processor_second >= 60
