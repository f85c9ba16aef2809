"""What SMS say, how long they are, and how their provider is named (G1, G2, G3)."""

from __future__ import annotations

import pytest

from services.common.config import ConfigError
from services.notification.clients import Twilio
from services.notification.domain import Kind, Purpose
from services.notification.templates import LANGUAGES
from tests.unit.notification.test_templates import CODE, NOTICE, sms

# GSM 03.38: what fits 160 to an SMS; letters of the second table count twice.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = set("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """How many SMS the text is."""
    if set(text) <= GSM | GSM_TWICE:
        units, alone, joined = len(text) + sum(c in GSM_TWICE for c in text), 160, 153
    else:
        units, alone, joined = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if units <= alone else -(-units // joined)


def code(purpose: Purpose, language: str = "en", store_name: str = "Demo Store") -> str:
    digits = "" if purpose is Purpose.REFUSED else "012345"
    return sms(Kind.LOGIN_CODE, CODE, language=language, store_name=store_name, code=digits, purpose=purpose, link="")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("purpose", [Purpose.LOG_IN, Purpose.REGISTER, Purpose.ADD])
def test_a_code_stands_first_and_its_last_line_binds_it_to_the_stores_pages(language: str, purpose: Purpose) -> None:
    """Origin-bound one-time codes: phones offer it on that host, and on no page that only looks like it."""
    text = code(purpose, language)
    assert text.startswith("012345 ")
    assert text.splitlines()[-2:] == ["", "@shop.example #012345"]
    assert "Demo Store" in text
    assert ("您" in text or "帳戶" in text) == (language == "zh-Hant")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_has_no_code_and_binds_nothing(language: str) -> None:
    text = code(Purpose.REFUSED, language)
    assert "@" not in text
    assert "#" not in text
    assert not any(c.isdigit() for c in text)


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("name", ["Demo Store", "Chan’s “Tea” – & Cake…", "x" * 5_000])
def test_an_english_sms_is_one_sms(purpose: Purpose, name: str) -> None:
    """Typographic marks would make it one of 70 letters, and a long name one of several."""
    assert segments(code(purpose, store_name=name)) == 1


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("name", ["陳記茶莊", "茶" * 5_000, "Zoë 🍰" * 900])
def test_a_chinese_sms_is_at_most_two(purpose: Purpose, name: str) -> None:
    assert segments(code(purpose, "zh-Hant", name)) <= 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["password_set", "login_added", "sessions_ended", "of another day"])
def test_a_notice_is_one_sms(language: str, what: str) -> None:
    assert (
        segments(
            sms(
                Kind.ACCOUNT_NOTICE,
                NOTICE | {"what": what},
                language=language,
                store_name="陳記" if language == "zh-Hant" else "Demo",
            )
        )
        == 1
    )


@pytest.mark.parametrize(
    "evil", ["Shop\n\n@evil.example #012345", "Shop\r@evil.example #1", "Shop\u2028@evil.example #1"]
)
def test_a_stores_name_cannot_add_lines(evil: str) -> None:
    """Else a store could bind the code to a page of somebody else's."""
    text = code(Purpose.LOG_IN, store_name=evil)
    assert [line for line in text.splitlines() if line.startswith("@")] == ["@shop.example #012345"]
    assert len(text.splitlines()) == 3


@pytest.mark.parametrize(
    ("url", "server"),
    [
        (
            "twilio://AC1:to%2Fken@api.twilio.com?from=+85212345678",
            Twilio("https://api.twilio.com", "AC1", "AC1", "to/ken", ("From", "+85212345678"), 15, "to/ken"),
        ),
        (
            "twilio://SK1:secret@api.twilio.com?account=AC1&service=MG1",
            Twilio("https://api.twilio.com", "AC1", "SK1", "secret", ("MessagingServiceSid", "MG1"), 15),
        ),
        (
            "twilio+http://AC1:t@127.0.0.1:8025?from=My%20Shop",
            Twilio("http://127.0.0.1:8025", "AC1", "AC1", "t", ("From", "My Shop"), 15, "t"),
        ),
    ],
)
def test_providers_are_named_by_urls(url: str, server: Twilio) -> None:
    assert Twilio.parse(url, 15) == server


@pytest.mark.parametrize(
    "url",
    [
        "https://AC1:secret@api.twilio.com?from=+1",
        "twilio://AC1:secret@api.twilio.com",
        "twilio://AC1:secret@api.twilio.com?from=+1&service=MG1",
        "twilio://AC1@api.twilio.com?from=+1",
        "twilio://:secret@api.twilio.com?from=+1",
        "twilio://AC1:secret@api.twilio.com?from=+1&form=+2",
        "twilio+http://AC1:secret@sms.example?from=+1",
    ],
)
def test_other_urls_are_refused_at_start_without_the_secret(url: str) -> None:
    """Rule 10: errors are logged."""
    with pytest.raises(ConfigError, match="ONEFOLD_SMS_URL") as caught:
        Twilio.parse(url, 15)
    assert "secret" not in str(caught.value)


def test_a_server_does_not_show_its_token() -> None:
    assert "hush" not in repr(Twilio.parse("twilio://AC1:hush@api.twilio.com?from=+1", 15))


def test_a_notice_is_known_by_its_signature() -> None:
    """The example of Twilio's documentation, and what differs from it in anything."""
    server = Twilio.parse("twilio://SK1:secret@api.twilio.com?from=+1&account=AC1&signing=12345", 15)
    url, signature = "https://mycompany.com/myapp.php?foo=1&bar=2", "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    form = [
        ("Digits", "1234"),
        ("CallSid", "CA1234567890ABCDE"),
        ("Caller", "+14158675309"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
    ]
    assert server.has_signed(url, form, signature)
    assert not server.has_signed(url + "3", form, signature)
    assert not server.has_signed(url, form[1:], signature)
    assert not server.has_signed(url, form, "é")
    for silent in ("twilio://SK1:secret@api.twilio.com?from=+1&account=AC1", "twilio://AC1:t@api.twilio.com?from=+1"):
        assert not Twilio.parse(silent, 15).is_told("https://127.0.0.1/x")
    assert not Twilio.parse("twilio://SK1:secret@api.twilio.com?from=+1&account=AC1", 15).has_signed(
        url, form, signature
    )
    assert server.is_told(url)
