"""How messages look: chosen with a preview beside the form, and then so in what is sent (G1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.shop import Shop, until
from tests.support.pictures import png

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


def test_a_store_gives_its_messages_a_colour_and_a_logo(shop: Shop, page: Page, tmp_path: Path) -> None:
    """What is wrong is said at its field, with everything typed kept; the frame shows a colour before it is saved."""
    mail_address = f"{shop.url}/console/messages/templates/mail.html"
    until(lambda: page.request.get(mail_address).ok, "the store is known to whoever writes messages", 60)
    page.goto("/console/settings/look")
    page.get_by_label("Answers go to").fill("nobody@")
    page.get_by_label("Colour of buttons and links").fill("#ffe100")
    mail = page.frame_locator("#look-preview")
    expect(mail.get_by_role("link", name="Look at the order")).to_have_css("background-color", "rgb(255, 225, 0)")
    page.locator("form[data-preview]").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("This is not an e-mail address.")).to_be_visible()
    expect(page.get_by_label("Colour of buttons and links")).to_have_value("#ffe100")
    logo = tmp_path / "logo.png"
    logo.write_bytes(png())
    page.get_by_label("Logo", exact=True).set_input_files(logo)
    page.get_by_label("Answers go to").fill("shop@tea.example")
    page.get_by_label("Postal address in the last line").fill("1 Tea Road")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The look of messages is saved.")).to_be_visible()
    expect(page.get_by_alt_text("The logo that is there now")).to_have_js_property("naturalWidth", 200)
    expect(mail.get_by_alt_text("Tea House")).to_be_visible()
    expect(mail.get_by_text("Tea House, 1 Tea Road")).to_be_visible()
    page.goto("/console/messages/templates?sample=login_code.register&in=zh-Hant")
    expect(page.get_by_text("shop@tea.example")).to_be_visible()
    expect(page.locator("pre").first).to_contain_text("012345")
    expect(page.frame_locator("iframe").get_by_role("link", name="確認並繼續")).to_be_visible()
