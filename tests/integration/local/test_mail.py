"""The catcher of mails and SMS, over SMTP and HTTP as others use it."""

from __future__ import annotations

import json
import smtplib
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.ports import LOOPBACK, choose
from deploy.local.probes import listens
from deploy.local.process import Process


@dataclass
class Catcher:
    """A mail catcher that runs."""

    process: Process
    smtp_port: int
    web_url: str

    def send(self, message: EmailMessage) -> None:
        """A whole SMTP conversation."""
        with smtplib.SMTP(LOOPBACK, self.smtp_port, timeout=10) as smtp:
            smtp.send_message(message)

    def get(self, path: str) -> str:
        """A page."""
        with urllib.request.urlopen(self.web_url + path, timeout=10) as answer:
            self.headers = dict(answer.headers)
            return str(answer.read().decode())

    def messages(self, to: str = "") -> dict[str, Any]:
        """The JSON for tests."""
        answer = json.loads(self.get("/api/messages?" + urllib.parse.urlencode({"to": to})))
        assert isinstance(answer, dict)
        return answer

    def sms(self, to: str, text: str, *, account: str = "AClocal", **form: str) -> httpx.Response:
        """As Twilio's own clients would."""
        url = f"{self.web_url}/2010-04-01/Accounts/AClocal/Messages.json"
        form = {"To": to, "Body": text, "From": "+85250000000"} | form
        return httpx.post(url, data=form, auth=(account, "token"), trust_env=False)


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[Catcher]:
    """A mail catcher with an empty mailbox."""
    ports = choose(["smtp", "web"], {})
    places = ["--folder", str(tmp_path / "mail"), "--smtp-port", str(ports["smtp"]), "--web-port", str(ports["web"])]
    process = Process(
        name="mail",
        argv=[sys.executable, "-m", "deploy.local.mail", *places],
        log=tmp_path / "mail.log",
        ready=listens(ports["smtp"], ports["web"]),
    )
    process.start()
    yield Catcher(process, ports["smtp"], f"http://{LOOPBACK}:{ports['web']}")
    process.terminate()
    assert "Traceback" not in process.log.read_text()


def mail(to: str, subject: str = "訂單 7 已確認", *, html: str = "") -> EmailMessage:
    """A mail with a text part, and an HTML part when given."""
    message = EmailMessage()
    message["From"] = "Onefold <no-reply@onefold.example>"
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{abs(hash((to, subject)))}@onefold.example>"
    message.set_content("請按 https://shop.example/confirm?token=a&b=c 確認")
    if html:
        message.add_alternative(html, subtype="html")
    return message


def test_a_mail_is_kept_with_its_text_html_and_message_id(catcher: Catcher) -> None:
    sent = mail("陳大文 <chan@example.com>", html="<p>你好</p>")
    catcher.send(sent)
    (kept,) = catcher.messages("CHAN@example.com")["messages"]
    assert kept["subject"] == "訂單 7 已確認"
    assert kept["recipients"] == ["chan@example.com"]
    assert kept["message_id"] == sent["Message-ID"]
    assert "https://shop.example/confirm?token=a&b=c" in kept["text"]
    assert "<p>你好</p>" in kept["html"]


def test_mails_of_others_are_left_out_and_the_newest_come_first(catcher: Catcher) -> None:
    for subject in ("first", "second"):
        catcher.send(mail("chan@example.com", subject))
    catcher.send(mail("wong@example.com"))
    answer = catcher.messages("chan@example.com")
    assert answer["total"] == 2
    assert [message["subject"] for message in answer["messages"]] == ["second", "first"]


def test_mails_and_their_numbers_outlive_a_kill(catcher: Catcher) -> None:
    catcher.send(mail("chan@example.com", "before"))
    catcher.process.kill()
    catcher.process.start()
    catcher.send(mail("chan@example.com", "after"))
    messages = catcher.messages("chan@example.com")["messages"]
    assert [(message["id"], message["subject"]) for message in messages] == [(2, "after"), (1, "before")]


def test_a_torn_index_line_is_dropped(catcher: Catcher, tmp_path: Path) -> None:
    catcher.send(mail("chan@example.com", "whole"))
    catcher.process.kill()
    with (tmp_path / "mail" / "index.jsonl").open("a") as index:
        index.write('{"id": 2, "sender": "no-re')
    catcher.process.start()
    catcher.send(mail("chan@example.com", "next"))
    assert [message["subject"] for message in catcher.messages()["messages"]] == ["next", "whole"]


def test_nothing_of_a_mail_is_run_or_fetched_by_the_page(catcher: Catcher) -> None:
    catcher.send(mail("chan@example.com", "<script>alert(1)</script>", html="<script>alert(2)</script>\"'>"))
    listed, shown = catcher.get("/"), catcher.get("/messages/1")
    for page in (listed, shown):
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)" in page
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "&lt;script&gt;alert(2)&lt;/script&gt;&#34;&#39;&gt;" in shown
    assert "default-src 'none'" in catcher.headers["Content-Security-Policy"]


def test_links_in_the_text_can_be_clicked(catcher: Catcher) -> None:
    catcher.send(mail("chan@example.com"))
    assert '<a href="https://shop.example/confirm?token=a&amp;b=c"' in catcher.get("/messages/1")


def test_an_address_that_refuses_and_one_that_is_busy_once(catcher: Catcher) -> None:
    """(G2) What retries and failures are tested with."""
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        catcher.send(mail("nobody@refused.example"))
    assert refused.value.recipients["nobody@refused.example"][0] == 550
    with pytest.raises(smtplib.SMTPRecipientsRefused) as busy:
        catcher.send(mail("chan@busy.example"))
    assert busy.value.recipients["chan@busy.example"][0] == 451
    catcher.send(mail("chan@busy.example"))
    assert catcher.messages()["total"] == 1


def test_many_mails_over_one_connection_are_all_kept(catcher: Catcher) -> None:
    with smtplib.SMTP(LOOPBACK, catcher.smtp_port, timeout=10) as smtp:
        for number in range(60):
            smtp.send_message(mail("chan@example.com", f"mail {number}"))
    assert catcher.messages("chan@example.com")["total"] == 60
    assert "mail 59" in catcher.get("/")
    assert "mail 9<" not in catcher.get("/")
    assert "mail 9<" in catcher.get("/?offset=50")


@pytest.mark.parametrize("path", ["/messages/99", "/messages/0", "/nowhere", "/messages/../stack.json"])
def test_what_is_not_there_is_not_found(catcher: Catcher, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as missing:
        catcher.get(path)
    with missing.value as answer:
        assert answer.code == 404


def test_an_sms_is_kept_beside_the_mails_and_outlives_a_kill(catcher: Catcher) -> None:
    """G1."""
    catcher.send(mail("chan@example.com"))
    sent = catcher.sms("+85294512053", "012345 是您的驗證碼\n\n@shop.example #012345")
    assert (sent.status_code, sent.json()["status"], sent.json()["sid"][:2]) == (201, "queued", "SM")
    catcher.process.kill()
    catcher.process.start()
    (kept,) = catcher.messages("+85294512053")["messages"]
    assert (kept["channel"], kept["message_id"]) == ("sms", sent.json()["sid"])
    assert kept["text"] == "012345 是您的驗證碼\n\n@shop.example #012345"
    assert [message["channel"] for message in catcher.messages()["messages"]] == ["sms", "email"]
    assert "@shop.example #012345" in catcher.get("/messages/2")
    assert "012345 是您的驗證碼" in catcher.get("/?to=%2B85294512053")


def test_an_sms_is_text_on_the_page(catcher: Catcher) -> None:
    catcher.sms("+85294512053", "<script>alert(1)</script>")
    for page in (catcher.get("/"), catcher.get("/messages/1")):
        assert "<script" not in page


@pytest.mark.parametrize(
    ("to", "text", "account", "form", "answer"),
    [
        ("+15005550001", "x", "AClocal", {}, (400, 21211)),
        ("+15005550009", "x", "AClocal", {}, (400, 21614)),
        ("94512053", "x", "AClocal", {}, (400, 21211)),
        ("+85294512053", "", "AClocal", {}, (400, 21602)),
        ("+85294512053", "x" * 1_601, "AClocal", {}, (400, 21602)),
        ("+85294512053", "x", "AClocal", {"From": ""}, (400, 21603)),
        ("+85294512053", "x", "ACother", {}, (401, 20003)),
    ],
)
def test_an_sms_is_refused_in_twilios_words(
    catcher: Catcher, to: str, text: str, account: str, form: dict[str, str], answer: tuple[int, int]
) -> None:
    """(G2) What failures are tested with."""
    refused = catcher.sms(to, text, account=account, **form)
    assert (refused.status_code, refused.json()["code"]) == answer
    assert catcher.messages()["total"] == 0
