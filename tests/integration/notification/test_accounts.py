"""What customers and staff are told about getting in (A3, A8, H1)."""

from __future__ import annotations

from onefold.identity_merge.v1 import accounts_pb2
from onefold.identity_merge.v1 import events_pb2 as identity_merge
from onefold.identity_merge.v1 import service_pb2 as identity_merge_pb
from onefold.membership.v1 import events_pb2 as membership
from services.common.ids import new_id
from services.common.tokens import ServiceClaims
from services.notification import commands, queries
from services.notification.domain import Cause, State
from tests.integration.notification.conftest import HASHER, Notification, code_requested
from tests.integration.notification.post_office import Logins, PostOffice
from tests.integration.notification.provider import Provider


def notice(kind: str, value: str) -> identity_merge.AccountNoticeRequested:
    return identity_merge.AccountNoticeRequested(
        customer_id=str(new_id()), what="login_added", kind=kind, value=value, language="en", detail="Google"
    )


def invited(email: str) -> identity_merge.StaffInvited:
    role = identity_merge_pb.STAFF_ROLE_CASHIER
    return identity_merge.StaffInvited(
        invitation_id=str(new_id()), email=email, name="Ada", role=role, invited_by="陳大文", language="en"
    )


async def test_who_registers_by_an_address_gets_a_button_and_a_code(
    notification: Notification, logins: Logins, post_office: PostOffice
) -> None:
    """A3; rule 10: neither is in the database."""
    server = await logins.open()
    logins.purpose = accounts_pb2.CODE_PURPOSE_REGISTER
    await notification.open_store()
    await notification.tell(code_requested("new@mail.example", "en", stranger=True))
    notification.process.start()
    await notification.until_states("sent")
    [received], [row] = post_office.taken, await notification.rows()
    link = "https://shop.example/s/demo/register?token=secret%2Flink%2B1"
    assert f'href="{link}"' in received.part("html")
    for subtype in ("plain", "html"):
        assert link in received.part(subtype)
        assert "000001" in received.part(subtype)
    assert "000001" not in received.mail["Subject"]
    assert "secret" not in str(row)
    assert "000001" not in str(row)
    await server.stop()


async def test_a_notice_goes_the_way_that_is_named_and_an_invitation_has_a_link_of_its_own(
    notification: Notification, logins: Logins, post_office: PostOffice, provider: Provider
) -> None:
    """H1; an invitation that was withdrawn meanwhile is not sent."""
    server = await logins.open()
    reset = identity_merge.StaffResetRequested(invitation_id=str(new_id()), email="ada@mail.example", language="en")
    await notification.open_store()
    await notification.tell(notice("email", "chan@mail.example"), notice("phone", "+85294512053"))
    await notification.tell(invited("ada@mail.example"))
    await notification.tell(reset)
    notification.process.start({"ONEFOLD_MAIL_CONNECTIONS": "1"})
    await notification.until_states("sent", "sent", "sent", "sent")
    by_subject = {received.mail["Subject"]: received for received in post_office.taken}
    assert "Google can be used" in by_subject["A new way to log in to your account at Demo Store"].part("plain")
    assert provider.of("+85294512053")[0].startswith("Demo Store: your account has a new way to log in.")
    invitation = by_subject["You are invited to work with Demo Store"].part("plain")
    assert "陳大文 invites you" in invitation
    assert "https://shop.example/console/join?token=secret%2Finvitation%2B" in invitation
    assert "/console/join?token=" in by_subject["A new password for the console of Demo Store"].part("html")
    assert "secret" not in str(await notification.rows())
    logins.needed = False
    await notification.tell(invited("bob@mail.example"))
    await notification.until_states("sent", "sent", "sent", "sent", "cancelled")
    await server.stop()


async def test_an_invited_guest_gets_the_stores_words_a_link_and_the_way_out(
    notification: Notification, logins: Logins, post_office: PostOffice
) -> None:
    """A5, G3: in the guest's language; whoever has unsubscribed, or is a member by now, gets none, and the log can be asked by event."""
    server = await logins.open()
    who = [
        membership.GuestInvited(
            invitation_id=str(new_id()),
            customer_id=str(new_id()),
            name="陳大文",
            email=f"{name}@mail.example",
            language="zh-Hant",
            greeting="下次來 <b>喝茶</b>",
        )
        for name in ("mei", "silent", "member")
    ]
    claims = ServiceClaims("service:gateway", "service", str(notification.store_id))
    await notification.open_store()
    silent = HASHER.digest("email", "Silent@mail.example")
    await commands.set_subscription(notification.database, claims, silent, subscribed=False)
    assert await queries.list_unsubscribed(notification.database, claims, [bytes(32), silent]) == [silent]
    first, *others = [new_id() for _ in who]
    await notification.tell(who[0], event_id=first)
    await notification.tell(who[1], event_id=others[0])
    notification.process.start()
    await notification.until_states("sent", "cancelled")
    logins.needed = False
    await notification.tell(who[2], event_id=others[1])
    await notification.until_states("sent", "cancelled", "cancelled")
    [received] = post_office.taken
    link = f"https://shop.example/s/demo/register?token=secret%2Fguest%2B{who[0].customer_id}%2Bmei%40mail.example"
    assert link in received.part("plain")
    assert "下次來 <b>喝茶</b>" in received.part("plain")
    assert "下次來 &lt;b&gt;喝茶&lt;/b&gt;" in received.part("html")
    assert "<https://shop.example/s/demo/unsubscribe/" in received.mail["List-Unsubscribe"]
    found = dict(await queries.messages_of_events(notification.database, claims, [first, *others, new_id()]))
    assert {event: (message.state, message.cause) for event, message in found.items()} == {
        first: (State.SENT, Cause.NONE),
        others[0]: (State.CANCELLED, Cause.UNSUBSCRIBED),
        others[1]: (State.CANCELLED, Cause.NOT_NEEDED),
    }
    await server.stop()
