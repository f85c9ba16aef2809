"""Logging in and registering at the storefront, as far as the gateway alone decides: what was typed, where a proof leads, and ways back
(A3, A8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from flask import Flask, get_flashed_messages
from flask import session as form_session
from flask.testing import FlaskClient

from gateway import devices
from gateway.storefront import codes, frame, offers, outcomes, session
from onefold.identity_merge.v1 import accounts_pb2 as pb
from onefold.identity_merge.v1.service_pb2 import LoginMethod, Store
from services.common import clock
from services.common.errors import Internal, Unavailable
from services.common.ids import new_id

TEA = Store(store_id=str(new_id()), slug="tea", name="Tea House", region="HK", timezone="Asia/Hong_Kong", language="en")
SECRET = "b" * 43


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is known, and nobody was asked about providers yet."""
    monkeypatch.setitem(frame._stores, "tea", (float("inf"), TEA))
    monkeypatch.setattr(offers, "_known", {})


@pytest.fixture
def at_code_page(app: Flask) -> Iterator[None]:
    """A request on which a code was typed, of somebody who was going to the checkout."""
    cookie = {"Cookie": f"onefold_code_tea={SECRET}"}
    with app.test_request_context("/s/tea/login/code?next=/s/tea/checkout", headers=cookie):
        yield


def begun() -> pb.CustomerSession:
    """A session of somebody who logs in by phone, for an hour."""
    made = pb.CustomerSession(
        session_token="ofm_new", login_method=LoginMethod(customer_id="c1", kind="phone", value="+85291234567")
    )
    made.expires_at.FromSeconds(int(clock.now().timestamp()) + 3_600)
    return made


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("9123 4567", "phone", "9123 4567"),
        (" +852 9123-4567 ", "phone", "+852 9123-4567"),
        ("９１２３４５６７", "phone", "91234567"),
        ("tai.man@example.com", "email", "tai.man@example.com"),
        ("tai.man＠example.com", "email", "tai.man@example.com"),
        ("tai.man", "email", "tai.man"),
        ("陳大文", "email", "陳大文"),
        ("", "email", ""),
        (None, "email", ""),
    ],
)
def test_one_field_takes_a_phone_or_an_address(typed: str | None, field: str, value: str) -> None:
    assert codes.read_identifier(typed) == {field: value}


@pytest.mark.usefixtures("at_code_page")
def test_who_is_logged_in_goes_on_where_they_were_going_and_the_secret_ends() -> None:
    codes.expect(codes.Sent("+85291234567", codes.LOG_IN))
    response = outcomes.follow(TEA, pb.LOG_IN_OUTCOME_LOGGED_IN, begun=begun())
    assert response.location == "/s/tea/checkout"
    cookies = response.headers.getlist("Set-Cookie")
    assert any(c.startswith("onefold_member_tea=ofm_new; ") and "Max-Age=3" in c for c in cookies)
    assert any(c.startswith("onefold_code_tea=; ") for c in cookies)
    assert codes.sent() is None


@pytest.mark.usefixtures("at_code_page")
def test_who_is_new_goes_on_to_register_with_the_secret_and_the_way() -> None:
    response = outcomes.follow(TEA, pb.LOG_IN_OUTCOME_REGISTER, begun=pb.CustomerSession())
    assert response.location == "/s/tea/register?next=/s/tea/checkout"
    assert f"onefold_code_tea={SECRET}; " in response.headers["Set-Cookie"]


@pytest.mark.usefixtures("at_code_page")
def test_an_address_that_a_provider_names_and_somebody_has_is_proved_before_it_is_connected() -> None:
    """A8: no twin, and no take-over."""
    proof = pb.Proof(kind="email", value="tai.man@example.com")
    response = outcomes.follow(TEA, pb.LOG_IN_OUTCOME_PROVE, begun=pb.CustomerSession(), proof=proof)
    assert response.location == "/s/tea/login/code?next=/s/tea/checkout"
    assert codes.sent() == codes.Sent("tai.man@example.com", codes.CONNECT)


@pytest.mark.usefixtures("at_code_page")
@pytest.mark.parametrize(
    ("outcome", "added", "said"),
    [
        (pb.LOG_IN_OUTCOME_ADDED, begun().login_method, "You can log in with 9123 4567 from now on."),
        (pb.LOG_IN_OUTCOME_HELD, None, "9123 4568 belongs to another account of yours"),
    ],
    ids=["added", "held"],
)
def test_what_was_to_be_added_is_told_of_on_the_page_it_came_from(
    outcome: pb.LogInOutcome.ValueType, added: LoginMethod | None, said: str
) -> None:
    codes.expect(codes.Sent("+85291234568", codes.ADD))
    response = outcomes.follow(TEA, outcome, begun=pb.CustomerSession(), added=added)
    assert response.location == "/s/tea/account/login"
    assert said in get_flashed_messages()[0]
    assert "onefold_member_tea" not in str(response.headers)


@pytest.mark.usefixtures("at_code_page")
def test_an_outcome_of_a_later_release_is_no_log_in() -> None:
    with pytest.raises(Internal):
        outcomes.follow(TEA, 99, begun=begun())  # type: ignore[arg-type]


def test_the_way_on_from_a_mails_link_stays_within_the_store(app: Flask) -> None:
    with app.test_request_context("/"):
        for way, kept in (("/s/tea/checkout", "/s/tea/checkout"), ("https://evil.example/", ""), ("/s/other/x", "")):
            form_session["code_way"] = way
            assert codes.way("tea") == kept


def test_the_door_opens_without_providers_while_nobody_can_say_which(client: FlaskClient) -> None:
    page = client.get("/s/tea/login?next=/s/tea/checkout").text
    assert 'autocomplete="username"' in page
    assert 'action="/s/tea/login?next=/s/tea/checkout"' in page
    assert "login/with" not in page


def test_providers_are_asked_for_once_in_half_a_minute_and_again_after_a_failure(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[pb.ListProvidersResponse | Unavailable] = [
        Unavailable("service_unavailable"),
        pb.ListProvidersResponse(providers=[pb.SocialProvider(provider_id="google", name="Google")]),
    ]

    def ask(*_: object, **__: object) -> pb.ListProvidersResponse:
        answer = answers.pop(0)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    of_process = SimpleNamespace(social_logins=SimpleNamespace(list_providers=ask))
    monkeypatch.setattr(offers, "services", lambda: of_process)
    with app.test_request_context("/s/tea/login"):
        seen = [[provider.name for provider in offers.offered(TEA)] for _ in range(3)]
        assert offers.name_of(TEA, "google") == "Google"
        assert offers.name_of(TEA, "gone") == "gone"
    assert seen == [[], ["Google"], ["Google"]]


def test_what_was_typed_at_the_door_comes_along_to_the_page_that_asks_for_the_password(client: FlaskClient) -> None:
    token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/s/tea/login").text)[0]
    page = client.post("/s/tea/login/password", data={"csrf_token": token, "identifier": "9123 4567"})
    assert page.status_code == 200
    assert 'value="9123 4567"' in page.text
    assert "does not fit" not in page.text


def test_opening_the_link_of_a_mail_does_nothing(client: FlaskClient) -> None:
    """No service is there, and none is needed: mail scanners open links."""
    page = client.get("/s/tea/register?token=ofl_something")
    assert page.status_code == 200
    assert 'value="ofl_something"' in page.text
    assert 'action="/s/tea/register/link"' in page.text


def test_who_has_proved_nothing_begins_at_the_door(client: FlaskClient) -> None:
    assert client.get("/s/tea/register?next=/s/tea/cart").location == "/s/tea/login?next=/s/tea/cart"
    assert client.get("/s/tea/login/code").location == "/s/tea/login"


def test_a_session_that_goes_on_keeps_the_cart_and_takes_another_token(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No log-in, so nothing of what is done at one."""
    monkeypatch.setattr(session, "_hooks", [lambda *_: pytest.fail("no log-in")])
    with app.test_request_context("/s/tea/account/password"):
        response = app.response_class()
        assert session.renew(TEA, begun(), response).login == "+85291234567"
    assert "onefold_member_tea=ofm_new" in response.headers["Set-Cookie"]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36",
            "Chrome, Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1"
            " Mobile/15E148 Safari/604.1",
            "Safari, iPhone",
        ),
        ("Mozilla/5.0 (iPad; CPU OS 17_1 like Mac OS X) AppleWebKit/605.1.15 CriOS/131.0 Mobile", "Chrome, iPad"),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36 Edg/131.0",
            "Edge, Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox, Mac"),
        ("Mozilla/5.0 (Linux; Android 13) Chrome/131.0 Mobile Safari/537.36 Line/14.1", "LINE, Android"),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/133.0", "Firefox, Linux"),
        ("curl/8.5.0", "A browser or app"),
        ("", "A browser or app"),
    ],
)
def test_browsers_are_called_as_people_call_them(app: Flask, agent: str, words: str) -> None:
    with app.test_request_context("/"):
        assert devices.words(agent) == words
