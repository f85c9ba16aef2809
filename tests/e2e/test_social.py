"""Customers come by a provider that others have written, running here in the place of Google and of Facebook (A3, A8)."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from deploy.local.stack import Stack
from tests.e2e.conftest import PHONE, OpenPage
from tests.e2e.shop import Shop, until
from tests.e2e.test_accounts import log_out, looks_right, send, type_code
from tests.support.messages import messages

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", autouse=True)
def _provider_is_there(stack: Stack) -> None:
    """It is loaded when somebody first asks, which takes longer on a busy machine than anybody waits for a provider."""
    described = f"{stack.settings.social_url}/.well-known/openid-configuration"
    httpx.get(described, timeout=180, trust_env=False).raise_for_status()


def say_who(page: Page, place: str, subject: str) -> None:
    """At the provider's own page, in whose place it says it stands."""
    expect(page.get_by_text(f"In the place of {place}")).to_be_visible()
    page.get_by_label("Somebody else").fill(subject)
    page.keyboard.press("Enter")


def test_somebody_changes_their_mind_then_registers_by_google_and_logs_in_again(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    page = open_page(logged_in=False)
    page.goto(f"/s/{shop.slug}/login?next=/s/{shop.slug}/account/points")
    # The page between, which the browser leaves by itself, unless the provider does not answer.
    page.route(f"{stack.settings.social_url}/**", lambda route: route.abort("aborted"))
    page.get_by_role("button", name="Go on with Google").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("On to Google")
    looks_right(page)
    page.unroute_all()
    page.get_by_role("link", name="Go on").click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("alert")).to_contain_text("did not work")
    looks_right(page)
    page.get_by_role("link", name="Back").click()
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_role("button", name="Go on with Google").click()
    say_who(page, "Google", "mei")
    expect(page).to_have_url(re.compile("/register"))
    expect(page.get_by_text("Google · mei@people.example")).to_be_visible()
    expect(page.locator("#name")).to_have_value("陳美玲")
    looks_right(page)
    send(page)
    expect(page).to_have_url(re.compile("/account/points$"))
    log_out(page)
    page.get_by_role("button", name="Go on with Google").click()
    say_who(page, "Google", "mei")
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("陳美玲")
    page.goto(f"/s/{shop.slug}/account/login")
    expect(page.get_by_text("by Google")).to_be_visible()
    looks_right(page)


def test_facebook_without_an_address_a_connected_google_and_an_address_that_has_an_account(
    stack: Stack, shop: Shop, open_page: OpenPage
) -> None:
    """A8: the account of an address opens by a code to it, and is then connected."""
    who = shop.somebody("陳大文")
    member = shop.member(who)
    until(lambda: shop.get(f"/customers/{member}/login-methods")["items"], "the login methods appear")
    page = open_page(language="zh-Hant", size=PHONE, logged_in=False)
    page.goto(f"/s/{shop.slug}/login")
    page.get_by_role("button", name="Facebook").click()
    say_who(page, "Facebook", "noa")
    expect(page.get_by_text("Facebook · Noa Wong")).to_be_visible()
    expect(page.locator("#name")).to_have_value("Noa Wong")
    send(page)
    expect(page).to_have_url(re.compile("/account$"))
    page.goto(f"/s/{shop.slug}/account/login")
    page.get_by_role("button", name="Google", exact=True).click()
    say_who(page, "Google", "kai")
    expect(page.get_by_role("status")).to_contain_text("Google · Kai Lee")
    expect(page.get_by_role("button", name="Google", exact=True)).to_have_count(0)
    looks_right(page)
    log_out(page)
    claims = {"name": "Tai Man", "email": who.email, "email_verified": True}
    httpx.put(f"{stack.settings.social_url}/users/tai-man", json=claims, trust_env=False).raise_for_status()
    seen = len(messages(stack, who.email))
    page.get_by_role("button", name="Google").click()
    say_who(page, "Google", "tai-man")
    expect(page.locator("main")).to_contain_text(who.email)
    looks_right(page)
    type_code(page, stack, who.email, seen)
    expect(page).to_have_url(re.compile("/account$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("陳大文")
    page.goto(f"/s/{shop.slug}/account/login")
    expect(page.get_by_text(f"Google · {who.email}")).to_be_visible()
