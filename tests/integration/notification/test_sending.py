"""Messages from event to mail server, by the real `work` process and real SMTP (G1, G2, G3)."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

from onefold.orders.v1.events_pb2 import OrderEmailRequested
from services.common import clock
from services.common.bus import subject_of
from services.common.ids import new_id
from services.common.outbox import type_of
from tests.integration.notification.conftest import (
    Notification,
    code_requested,
    confirmation_requested,
    order_placed,
    store_changed,
)
from tests.integration.notification.post_office import Logins, PostOffice


async def test_a_placed_order_sends_one_mail_to_its_contact(
    notification: Notification, post_office: PostOffice
) -> None:
    """G1: with a Message-ID made from the row, in the store's time zone and currency."""
    await notification.open_store("Demo Store")
    await notification.tell(order_placed("tai-man@mail.example"))
    notification.process.start()
    await notification.until_states("sent")
    [received], [row] = post_office.taken, await notification.rows()
    assert (received.sender, received.recipient) == ("no-reply@onefold.example", "tai-man@mail.example")
    assert received.mail["Message-ID"] == f"<{row.message_id}@onefold.example>"
    assert received.mail["From"] == "Demo Store <no-reply@onefold.example>"
    assert received.mail["To"] == "Chan Tai Man <tai-man@mail.example>"
    assert received.mail["Subject"] == "Order #1001 at Demo Store"
    assert "HK$\u00a01,324.50" in received.part("plain")
    assert "Cup &lt;blue&gt;" in received.part("html")
    assert (row.attempts, row.error) == (1, "")
    assert row.sent_at is not None
    assert await notification.events() == ["notification.message_sent.v1"]


async def test_the_same_event_three_times_sends_one_mail(notification: Notification, post_office: PostOffice) -> None:
    """Fault 23, E. The copies carry other JetStream ids, so that only the inbox can tell."""
    event, event_id = order_placed("once@mail.example"), str(new_id())
    js = await notification.bus.jetstream()
    for copy in range(3):
        headers = {
            "Nats-Msg-Id": f"{event_id}-{copy}",
            "ce-id": event_id,
            "ce-storeid": str(notification.store_id),
            "ce-aggregateversion": "1",
        }
        await js.publish(subject_of(type_of(event)), event.SerializeToString(), headers=headers)
    await notification.open_store()
    notification.process.start()
    await notification.until_states("sent")
    await notification.tell(order_placed("later@mail.example"))
    await notification.until_states("sent", "sent")
    assert [mail.recipient for mail in post_office.taken] == ["once@mail.example", "later@mail.example"]


async def test_an_order_without_an_address_asks_for_no_mail(
    notification: Notification, post_office: PostOffice
) -> None:
    await notification.open_store()
    await notification.tell(order_placed(""), order_placed("second@mail.example"))
    notification.process.start()
    await notification.until_states("sent")
    assert [mail.recipient for mail in post_office.taken] == ["second@mail.example"]


async def test_an_order_from_history_is_written_down_and_not_sent(
    notification: Notification, post_office: PostOffice
) -> None:
    """Loading years of orders must not write to their buyers today."""
    await notification.open_store()
    old = order_placed("old@mail.example", placed_at=clock.now() - timedelta(days=400))
    late = order_placed("till@mail.example", placed_at=clock.now() - timedelta(days=2))
    await notification.tell(old, late)
    notification.process.start()
    await notification.until_states("cancelled", "sent")
    assert (await notification.rows())[0].error == "the order is history brought from elsewhere"
    assert [mail.recipient for mail in post_office.taken] == ["till@mail.example"]


async def test_messages_wait_until_their_store_is_known(notification: Notification, post_office: PostOffice) -> None:
    notification.process.start()
    await notification.tell(order_placed("early@mail.example"))
    await notification.until_states("queued")
    await asyncio.sleep(1.5)
    assert [row.attempts for row in await notification.rows()] == [0]
    await notification.open_store("陳記", language="zh-Hant")
    await notification.until_states("sent")
    assert post_office.taken[0].mail["Subject"] == "陳記 訂單 #1001"


async def test_an_older_version_of_a_store_changes_nothing(notification: Notification, post_office: PostOffice) -> None:
    await notification.tell(store_changed("Newer", version=7), store_changed("Older", version=6))
    await notification.tell(order_placed("a@mail.example"))
    notification.process.start()
    await notification.until_states("sent")
    assert post_office.taken[0].mail["Subject"] == "Order #1001 at Newer"


async def test_the_customers_language_goes_before_the_stores(
    notification: Notification, post_office: PostOffice
) -> None:
    """G3."""
    await notification.open_store("Demo", language="en")
    await notification.tell(order_placed("wong@mail.example", name="王小明", language="zh-Hant"))
    notification.process.start()
    await notification.until_states("sent")
    [received] = post_office.taken
    assert received.mail["Content-Language"] == "zh-Hant"
    assert received.mail["To"] == "王小明 <wong@mail.example>"
    assert "王小明 您好：" in received.part("plain")
    assert "待付款" in received.part("html")


async def test_addresses_outside_ascii_go_by_smtputf8(notification: Notification, post_office: PostOffice) -> None:
    """A domain outside ASCII is written in its ASCII form, which every server understands."""
    await notification.open_store()
    await notification.tell(order_placed("小明@例子.example"), order_placed("ming@例子.example"))
    notification.process.start()
    await notification.until_states("sent", "sent")
    assert {mail.recipient for mail in post_office.taken} == {
        "小明@xn--fsqu00a.example",
        "ming@xn--fsqu00a.example",
    }


async def test_a_confirmation_carries_a_token_made_at_the_moment_of_sending(
    notification: Notification, post_office: PostOffice, logins: Logins
) -> None:
    """A4; rule 10: the token is nowhere in the database."""
    server = await logins.open()
    asked = confirmation_requested("tai-man@mail.example")
    await notification.open_store("陳記")
    await notification.tell(asked)
    notification.process.start()
    await notification.until_states("sent")
    [received], [row] = post_office.taken, await notification.rows()
    link = "https://shop.example/s/confirm?token=secret%2Ftoken%2B1"
    assert link in received.part("plain")
    assert f'href="{link}"' in received.part("html")
    assert received.mail["Subject"] == "請確認您在「陳記」的電郵地址"
    assert logins.asked == [asked.login_method_id]
    assert [(c.actor, c.role, c.store_id) for c in logins.callers] == [
        ("service:notification", "service", str(notification.store_id))
    ]
    assert "secret" not in str(row)
    await server.stop()


async def test_a_confirmation_that_nobody_needs_any_more_is_cancelled(
    notification: Notification, post_office: PostOffice, logins: Logins
) -> None:
    server = await logins.open()
    logins.needed = False
    await notification.open_store()
    await notification.tell(confirmation_requested("tai-man@mail.example"))
    notification.process.start()
    await notification.until_states("cancelled")
    assert post_office.taken == []
    assert await notification.events() == []
    await server.stop()


async def test_the_code_of_a_mail_is_made_when_it_is_sent_and_of_one_that_ended_nothing_goes_out(
    notification: Notification, post_office: PostOffice, logins: Logins
) -> None:
    """Rule 10: each attempt has a code of its own, which is nowhere in the database; once sent, it is not sent again (E)."""
    server = await logins.open()
    post_office.to_content["tai-man@mail.example"].append("451 later")
    await notification.open_store("陳記", language="zh-Hant")
    await notification.tell(code_requested("tai-man@mail.example", "en"))
    notification.process.start()
    await notification.until_states("sent")
    [received], [row] = post_office.taken, await notification.rows()
    assert received.mail["Subject"] == "Your code for logging in to 陳記"
    for subtype in ("plain", "html"):
        assert "000002" in received.part(subtype)
    assert "00000" not in f"{row.params} {row.error}"
    logins.needed = False
    await notification.tell(code_requested("late@mail.example"))
    await notification.until_states("sent", "cancelled")
    assert [mail.recipient for mail in post_office.taken] == ["tai-man@mail.example"]
    await server.stop()


async def test_a_confirmation_waits_while_identity_merge_is_away_and_orders_go_on(
    notification: Notification, post_office: PostOffice, logins: Logins
) -> None:
    """L: nothing is given up for a part of our own that is away."""
    await notification.open_store()
    await notification.tell(confirmation_requested("a@mail.example"))
    notification.process.start()
    await notification.until_states("queued")
    await notification.tell(order_placed("b@mail.example"))
    await notification.until_states("queued", "sent")
    server = await logins.open()
    await notification.until_states("sent", "sent", seconds=60)
    [row, _] = await notification.rows()
    assert row.attempts > 1
    assert [mail.recipient for mail in post_office.taken] == ["b@mail.example", "a@mail.example"]
    await server.stop()


async def test_a_quiet_stores_message_does_not_wait_behind_a_burst(
    notification: Notification, post_office: PostOffice
) -> None:
    """Every store's first message goes before any store's second."""
    quiet = new_id()
    await notification.open_store("Busy")
    await notification.tell(store_changed("Quiet"), store_id=quiet)
    await notification.tell(*(order_placed(f"busy{n}@mail.example") for n in range(60)))
    notification.process.start({"ONEFOLD_MAIL_PER_SECOND": "20"})
    while len(post_office.taken) < 5:
        await asyncio.sleep(0.02)
    await notification.tell(order_placed("quiet@mail.example"), store_id=quiet)
    await notification.until_states(*["sent"] * 61)
    place = [mail.recipient for mail in post_office.taken].index("quiet@mail.example")
    assert place < 30  # behind what was claimed already, before the rest of the burst


async def test_a_stop_lets_the_mail_under_way_arrive(notification: Notification, post_office: PostOffice) -> None:
    """Rule 9: a rolling restart leaves nothing `unknown`, and gives back at once what was only claimed."""
    post_office.to_content["slow@mail.example"].append("stall")
    await notification.open_store()
    await notification.tell(order_placed("slow@mail.example"), *(order_placed(f"{n}@mail.example") for n in range(5)))
    notification.process.start({"ONEFOLD_MAIL_CONNECTIONS": "1"})
    await asyncio.wait_for(post_office.reached.wait(), 20)
    # The first mail is under way as soon as its event is read; the others' may come a moment later.
    await notification.until_rows(6)
    notification.process.signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    post_office.released.set()
    assert await asyncio.to_thread(notification.process.wait, 10) == 0
    assert await notification.states() == ["sent", *["queued"] * 5]
    assert [row.attempts for row in await notification.rows()] == [1, *[0] * 5]


async def test_an_order_mail_wanted_again_goes_out_again_also_for_an_order_of_long_ago(
    notification: Notification, post_office: PostOffice
) -> None:
    """E3: to the address that the order has by then; a copy of the event is no second wish."""
    await notification.open_store()
    placed = order_placed("first@mail.example", placed_at=clock.now() - timedelta(days=400))
    again = OrderEmailRequested(order=placed.order)
    again.order.contact.email, again.order.resends = "second@mail.example", 1
    wish = new_id()
    await notification.tell(placed)
    await notification.tell(again, event_id=wish)
    await notification.tell(again, event_id=wish)
    notification.process.start()
    await notification.until_states("cancelled", "sent")
    assert [row.kind for row in await notification.rows()] == ["order_placed", "order_resent"]
    [mail] = post_office.taken
    assert (mail.recipient, mail.mail["Subject"]) == ("second@mail.example", "Order #1001 at Demo Store")
