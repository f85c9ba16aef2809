"""What mails say and how they are put together (G1, G3)."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from babel.messages import pofile
from jinja2.ext import babel_extract

from services.common.ids import new_id
from services.notification import templates
from services.notification.domain import Channel, Claimed, Kind, Message, Purpose, State, Store
from services.notification.templates import LANGUAGES, Templates, language_of, money

ORDER: dict[str, Any] = {
    "name": "Chan Tai Man",
    "number": 1001,
    "placed_at": "2026-11-23T18:05:00+00:00",
    "currency": "HKD",
    "lines": [{"title": "Red <b>tea</b>", "quantity": 2, "total": 12000}],
    "subtotal": 12000,
    "discount": 1000,
    "shipping": 3000,
    "total": 14000,
    "paid": True,
}
LOGIN: dict[str, Any] = {"name": "陳大文", "login_method_id": str(new_id())}
CODE: dict[str, Any] = {"name": "", "code_id": str(new_id())}
NOTICE: dict[str, Any] = {"name": "", "what": "login_added", "detail": "Google"}
INVITATION: dict[str, Any] = {
    "name": "Ada",
    "invitation_id": str(new_id()),
    "role": "cashier",
    "invited_by": "Chan <Tai>",
}
GUEST: dict[str, Any] = {"name": "陳大文", "invitation_id": str(new_id()), "greeting": "<b>Tea</b> & cake"}
RESET: dict[str, Any] = {"name": "Ada", "invitation_id": str(new_id())}
LINK = {"link": "https://shop.example/s/confirm?token=a%2Fb&amp=1"}


def claimed(
    kind: Kind = Kind.ORDER_PLACED,
    params: dict[str, Any] = ORDER,
    *,
    language: str = "en",
    store_name: str = "Demo Store",
    recipient: str = "tai-man@mail.example",
) -> Claimed:
    message = Message(
        new_id(),
        kind,
        Channel.EMAIL,
        recipient,
        State.CLAIMED,
        1,
        "",
        None,
        None,
        datetime(2026, 11, 24, tzinfo=UTC),
        None,
    )
    store = Store("demo", store_name, "zh-Hant", "Asia/Hong_Kong", "HKD", "HK")
    return Claimed(new_id(), message, language, params, store)


def write(what: Claimed, extra: dict[str, str] | None = None) -> EmailMessage:
    mail = email.message_from_bytes(
        Templates().mail(what, "no-reply@onefold.example", extra or {}).content, policy=email.policy.default
    )
    assert isinstance(mail, EmailMessage)
    return mail


def sms(
    kind: Kind, params: dict[str, Any], *, language: str = "en", store_name: str = "Demo Store", **extra: str
) -> str:
    what = claimed(kind, params, language=language, store_name=store_name, recipient="+85294512053")
    return Templates().sms(what, {"host": "shop.example"} | extra).text


def part(mail: EmailMessage, subtype: str) -> str:
    return next(str(p.get_content()) for p in mail.walk() if p.get_content_type() == f"text/{subtype}")


def sentences() -> set[str]:
    """Every sentence that a template asks the catalogue for."""
    found: set[str] = set()
    for path in templates.FOLDER.iterdir():
        if path.suffix in (".txt", ".html"):
            with path.open("rb") as file:
                for _, _, message, _ in babel_extract(file, ("_", "gettext", "ngettext"), [], {}):
                    found.add(message if isinstance(message, str) else str(message[0]))  # with values: (sentence, None)
    return found


def catalogue(language: str) -> dict[str, str]:
    with (Path(templates.FOLDER) / f"{LANGUAGES[language]}.po").open("rb") as file:
        return {str(m.id): str(m.string) for m in pofile.read_po(file) if m.id}


def test_every_sentence_is_translated_and_no_translation_is_left_over() -> None:
    """G3."""
    translated = catalogue("zh-Hant")
    assert len(sentences()) > 20
    assert set(translated) == sentences()
    assert all(translated.values())


def test_translations_name_the_same_values_as_the_english_sentences() -> None:
    with (Path(templates.FOLDER) / "zh_Hant.po").open("rb") as file:
        for message in pofile.read_po(file):
            assert list(message.check()) == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("kind", "params"),
    [
        (Kind.ORDER_PLACED, ORDER),
        (Kind.ORDER_RESENT, ORDER),
        (Kind.CONFIRM_LOGIN, LOGIN),
        (Kind.ACCOUNT_NOTICE, NOTICE),
        (Kind.GUEST_INVITATION, GUEST),
        (Kind.STAFF_INVITATION, INVITATION),
        (Kind.STAFF_RESET, RESET),
    ],
)
def test_every_mail_has_text_and_html_in_every_language(language: str, kind: Kind, params: dict[str, Any]) -> None:
    mail = write(claimed(kind, params, language=language), LINK)
    assert mail.get_content_type() == "multipart/alternative"
    assert mail["Content-Language"] == language
    assert f'<html lang="{language}">' in part(mail, "html")
    other = "您" if language == "en" else "Hello"
    for subtype in ("plain", "html"):
        assert "Demo Store" in part(mail, subtype)
        assert other not in part(mail, subtype)
        assert "%(" not in part(mail, subtype)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", Purpose)
def test_the_mail_with_a_code_says_what_it_is_for(language: str, purpose: Purpose) -> None:
    """A3, A8: subjects and what phones show of a mail are read by others, so code and link stand in the text alone."""
    code = "" if purpose is Purpose.REFUSED else "012345"
    link = "https://shop.example/s/demo/register?token=t" if purpose is Purpose.REGISTER else ""
    mail = write(claimed(Kind.LOGIN_CODE, CODE, language=language), {"code": code, "purpose": purpose, "link": link})
    assert "012345" not in mail["Subject"]
    assert "012345" not in part(mail, "html").split("</div>")[0]
    for subtype in ("plain", "html"):
        text = part(mail, subtype)
        assert ("012345" in text) == bool(code)
        assert ("/register?token=t" in text) == bool(link)
        assert ("您" if language == "en" else "Hello") not in text
        assert "%(" not in text
    assert ('href="https://shop.example/s/demo/register?token=t"' in part(mail, "html")) == bool(link)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_notice_about_an_account_says_what_has_changed(language: str) -> None:
    """One that nobody thought of says so in general words."""
    whats = ("password_set", "login_added", "sessions_ended", "of another day")
    mails = [write(claimed(Kind.ACCOUNT_NOTICE, NOTICE | {"what": what}, language=language)) for what in whats]
    assert len({mail["Subject"] for mail in mails}) == len({part(mail, "plain") for mail in mails}) == 4
    assert "Google" in part(mails[1], "plain")
    texts = [sms(Kind.ACCOUNT_NOTICE, NOTICE | {"what": what}, language=language) for what in whats]
    assert len(set(texts)) == 4
    assert "Google" in part(write(claimed(Kind.ACCOUNT_NOTICE, NOTICE)), "html")
    assert "one more way" in part(write(claimed(Kind.ACCOUNT_NOTICE, NOTICE | {"detail": ""})), "html")


def test_an_invitation_names_who_invites_and_the_role() -> None:
    """H1."""
    mail = write(claimed(Kind.STAFF_INVITATION, INVITATION, language="zh-Hant"), LINK)
    assert mail["Subject"] == "邀請您加入「Demo Store」的團隊"
    assert "Chan &lt;Tai&gt; 邀請您" in part(mail, "html")
    assert "您的角色：收銀員" in part(mail, "plain")
    nobody = part(write(claimed(Kind.STAFF_INVITATION, INVITATION | {"invited_by": "", "role": ""}), LINK), "plain")
    assert "You are invited to the console" in nobody
    assert "role" not in nobody


def test_a_customer_without_a_language_is_written_to_in_the_stores() -> None:
    assert write(claimed(language=""))["Subject"] == "Demo Store 訂單 #1001"


@pytest.mark.parametrize(
    ("tag", "language"),
    [("zh-Hant", "zh-Hant"), ("zh-HK", "zh-Hant"), ("ZH-tw", "zh-Hant"), ("en-GB", "en"), ("fr", "en")],
)
def test_language_tags_lead_to_the_nearest_language(tag: str, language: str) -> None:
    assert language_of(tag) == language


def test_an_order_mail_shows_what_was_bought_in_the_stores_money_and_time() -> None:
    """18:05 UTC on the 23rd is 02:05 on the 24th in Hong Kong."""
    mail = write(claimed())
    for subtype in ("plain", "html"):
        text = part(mail, subtype).replace("\u00a0", " ")
        for shown in ("#1001", "24 Nov 2026, 02:05", "HK$ 120.00", "−HK$ 10.00", "HK$ 30.00", "HK$ 140.00", "Paid"):
            assert shown in text
    unpaid = part(write(claimed(params=ORDER | {"paid": False})), "plain")
    assert "Awaiting payment" in unpaid
    assert "Payment: Paid" not in unpaid


def test_discount_and_shipping_are_left_out_when_there_are_none() -> None:
    text = part(write(claimed(params=ORDER | {"discount": 0, "shipping": 0})), "html")
    assert "Discount" not in text
    assert "Shipping" not in text


def test_what_people_write_is_text_in_html_and_stays_as_it_is_in_plain_text() -> None:
    mail = write(claimed(params=ORDER | {"name": "<i>Eve</i>"}, store_name="Tea & <Cake>"))
    html, plain = part(mail, "html"), part(mail, "plain")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "Tea &amp; &lt;Cake&gt;" in html
    assert "Red <b>tea</b>" in plain
    assert "Tea & <Cake>" in plain


@pytest.mark.parametrize(
    "evil", ["\r\nBcc: all@mail.example", "\nX: y", "\rBcc: a@b.example", "\u2028Bcc: x", "\x85Bcc: x"]
)
def test_line_breaks_in_names_never_become_headers(evil: str) -> None:
    """Header injection."""
    mail = write(claimed(params=ORDER | {"name": f"Eve{evil}"}, store_name=f"Shop{evil}"))
    assert mail["Bcc"] is None
    assert mail["X"] is None
    assert sorted({key.lower() for key in mail}) == [
        "auto-submitted",
        "content-language",
        "content-type",
        "date",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
    ]
    assert all("\n" not in str(mail[name]) and "\r" not in str(mail[name]) for name in ("From", "To", "Subject"))
    assert [address.addr_spec for address in mail["To"].addresses] == ["tai-man@mail.example"]


@pytest.mark.parametrize("name", ['Chan "Ace" <x@y.example>', "陳大文, Ltd.", "a" * 300, "Zoë 🍰"])
def test_any_name_leaves_one_recipient(name: str) -> None:
    mail = write(claimed(params=ORDER | {"name": name}))
    [address] = mail["To"].addresses
    assert (address.display_name, address.addr_spec) == (name, "tai-man@mail.example")


def test_content_is_ascii_on_the_wire_so_that_every_server_takes_it() -> None:
    what = claimed(language="zh-Hant", store_name="陳記茶莊")
    content = Templates().mail(what, "no-reply@onefold.example", {}).content
    assert content.isascii()
    assert b"\r\n" in content
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert content.count(b"\n") == content.count(b"\r\n")


def test_the_message_id_is_the_rows() -> None:
    """E: a second copy can be told from a second message."""
    what = claimed()
    assert write(what)["Message-ID"] == write(what)["Message-ID"] == f"<{what.message.message_id}@onefold.example>"


def test_an_impossible_address_is_refused_by_an_error() -> None:
    with pytest.raises(ValueError, match="@"):
        write(claimed(recipient="nobody"))


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (123450, "HKD", "HK$ 1,234.50"),
        (123450, "TWD", "NT$ 1,234.50"),
        (0, "HKD", "HK$ 0.00"),
        (5, "MOP", "MOP$ 0.05"),
        (-1000, "HKD", "−HK$ 10.00"),
        (1234567, "JPY", "JP¥ 1,234,567"),
        (100, "XYZ", "XYZ 1.00"),
    ],
)
def test_money_is_written_with_its_symbol(minor: int, currency: str, text: str) -> None:
    assert money(minor, currency).replace("\u00a0", " ") == text


def test_an_order_mail_leads_to_the_orders_page() -> None:
    """C7."""
    mail = write(claimed(), {"link": "https://shop.example/s/demo/orders/abc"})
    assert 'href="https://shop.example/s/demo/orders/abc"' in part(mail, "html")
    assert "https://shop.example/s/demo/orders/abc\n" in part(mail, "plain")


@pytest.mark.parametrize(("ended", "sentence"), [("cancelled", "was cancelled"), ("refunded", "was refunded")])
def test_a_mail_of_an_order_that_has_ended_says_so(ended: str, sentence: str) -> None:
    """E3."""
    text = part(write(claimed(Kind.ORDER_RESENT, ORDER | {"ended": ended, "level_discount": 500})), "plain")
    assert sentence in text
    assert "received your payment" not in text
    assert "Member discount: −HK$\u00a05.00" in text
