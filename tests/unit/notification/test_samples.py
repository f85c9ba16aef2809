"""Every message with made-up contents, in both languages: whole HTML, nothing untranslated, the store's look (G1, G3)."""

from __future__ import annotations

import email
import email.policy
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from services.notification.domain import Channel, Kind, Look
from services.notification.queries.looks import Previewer
from services.notification.templates import LANGUAGES, Templates
from services.notification.templates.samples import SAMPLES
from tests.unit.notification.test_templates import claimed

PREVIEWER = Previewer(Templates(), "https://shop.example")
LOOK = Look("#ffe100", "shop@tea.example", "香港中環 & 1 號", "abc.png", 300, 100, 1)
STORE = replace(claimed().store, name="茶莊 & <茶>", look=LOOK)
# Names and addresses of the samples, which no message translates.
NAMES = re.compile(
    r"\S+@\S+|https?://\S+|Chan Tai Man|Tung Ting Oolong, 150 g|Blue and white.*|Ada|Google|Webhook|HK\$"
)
_VOID = {"br", "hr", "img", "meta", "link", "input"}


class Strict(HTMLParser):
    """Complains about what browsers forgive and mail programs do not."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.open: list[str] = []
        self.complaints: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.complaints.append(f"<{tag}> repeats an attribute")
        if tag == "img" and not {"alt", "width", "height"} <= set(names):
            self.complaints.append("a picture without its size or words for it")
        if tag in ("td", "th") and self.open[-1:] != ["tr"]:
            self.complaints.append(f"<{tag}> outside of a row")
        if tag == "p" and "p" in self.open:
            self.complaints.append("a paragraph in a paragraph")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.complaints.append(f"</{tag}> ends what was not begun")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"] and re.search(r"[<&]", data):
            self.complaints.append(f"not escaped: {data[:50]}")


def faults(html: str) -> list[str]:
    """What is wrong with a page of HTML."""
    parser = Strict()
    parser.feed(html)
    parser.close()
    return parser.complaints + [f"<{tag}> has no end" for tag in parser.open]


def words(text: str) -> set[str]:
    """English words in a Chinese message that are nobody's name or address."""
    return set(re.findall(r"[A-Za-z]{3,}", NAMES.sub("", text)))


def test_the_checker_sees_what_is_broken() -> None:
    for broken in (
        "<p><b>x</p>",
        "<p>a & b</p>",
        "<td>x</td>",
        "<p>x",
        '<a href="x" href="y">x</a>',
        "<p><p>x</p></p>",
    ):
        assert faults(broken), broken


def test_every_kind_has_its_samples() -> None:
    assert {sample.kind for sample in SAMPLES.values()} == set(Kind)
    assert [name.partition(".")[0] for name in SAMPLES] == [sample.kind for sample in SAMPLES.values()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", SAMPLES)
def test_each_message_is_whole_html_and_speaks_one_language(name: str, language: str) -> None:
    """The first check also of a store that has chosen nothing."""
    sample = SAMPLES[name]
    plain = PREVIEWER.mail(replace(STORE, look=Look()), sample, language)
    mail, sms = PREVIEWER.mail(STORE, sample, language), PREVIEWER.sms(STORE, sample, language)
    assert faults(plain.html) == faults(mail.html) == []
    assert bool(sms) == (Channel.SMS in sample.channels)
    if language == "zh-Hant":
        told = re.sub(r"<style>.*?</style>|<[^>]+>", " ", mail.html, flags=re.DOTALL).replace("&amp;", "&")
        told = told.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ")
        assert words(told) == words(mail.subject) == words(mail.text) == words(re.sub(r"\n@.*", "", sms)) == set()


def test_a_mail_has_the_stores_colour_logo_address_and_answers_go_to_the_store() -> None:
    what = replace(claimed(), store=STORE)
    content = Templates().mail(
        what, "no-reply@onefold.example", {"link": "https://a.example", "logo": "https://b.example/l.png"}
    )
    mail = email.message_from_bytes(content.content, policy=email.policy.default)
    assert mail["Reply-To"] == "shop@tea.example"
    html, text = (str(part.get_content()) for part in reversed([*mail.walk()][1:]))  # type: ignore[attr-defined]
    assert '<img src="https://b.example/l.png" alt="茶莊 &amp; &lt;茶&gt;" width="192" height="64"' in html
    assert "background:#ffe100;color:#000000;" in html
    for part in (html.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"), text):
        assert "茶莊 & <茶>, 香港中環 & 1 號" in part
