"""Customers log in at the storefront by a code of the mail, see their account and log out (A4, A8, C6, C7, F13, S)."""

from __future__ import annotations

import re
from collections.abc import Callable

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store, key
from tests.component.gateway.customer import customer, mails
from tests.support.until import until


def _member(store: Store) -> tuple[str, str]:
    """A member's id and address."""
    person = store.person()
    member = store.member(contact=person)
    until(lambda: store.get(f"/customers/{member}/login-methods").json()["items"], "the login methods appear")
    return member, str(person["email"])


def test_the_code_of_the_mail_opens_the_account_and_logging_out_closes_it(stack: Stack, store: Store) -> None:
    """A4: whoever types the code has shown to hold the address; the page asked for comes next."""
    member, address = _member(store)
    with customer(stack, store) as browser:
        way = browser.get("account")
        assert way.headers["Location"] == f"/s/{store.slug}/login?next=/s/{store.slug}/account"
        opened = browser.log_in(address.upper())
        assert (opened.status_code, opened.headers["Location"]) == (302, f"/s/{store.slug}/account")
        cookies = opened.headers.get_list("Set-Cookie")
        assert any("HttpOnly" in c and "SameSite=Lax" in c and browser.session in c for c in cookies)
        account = browser.get("account")
        assert account.status_code == 200
        assert address in account.text
        assert member not in account.text
        assert browser.get("login").headers["Location"] == f"/s/{store.slug}/account"
        methods = store.get(f"/customers/{member}/login-methods").json()["items"]
        assert [m["confirmed_at"] is not None for m in methods if m["kind"] == "email"] == [True]
        session = browser.session
        assert browser.send("account", "logout").status_code == 302
        browser.http.cookies.set(f"onefold_member_{store.slug}", session)
        assert browser.get("account").status_code == 302


def test_pages_are_the_same_for_strangers_and_only_the_mail_tells(stack: Stack, store: Store) -> None:
    """A8."""
    _member_id, address = _member(store)
    stranger = f"nobody-{store.slug}@mail.example"
    seen = []
    for email in (address, stranger):
        with customer(stack, store) as browser:
            asked = browser.send("login", email=email)
            page = browser.get("login/code")
            refused = browser.send("login/code", code="000000")
            assert refused.status_code == 422
            seen.append(
                (asked.status_code, asked.headers["Location"], _said(page.text, email), _said(refused.text, email))
            )
    assert seen[0] == seen[1]
    mail = until(lambda: mails(stack, stranger), "the mail to the stranger arrives")[0]
    assert "no member account" in mail["text"]


def _said(page: str, email: str) -> str:
    """The page without what is new at each showing."""
    main = page.partition("<main")[2].replace(email, "…")
    return "\n".join(line for line in main.splitlines() if "csrf_token" not in line)


def test_a_way_back_never_leads_out_of_the_store(stack: Stack, store: Store) -> None:
    _member_id, address = _member(store)
    with customer(stack, store) as browser:
        code = browser.ask(address)
        opened = browser.send("login/code", "login/code?next=//evil.example/", code=code)
        assert opened.headers["Location"] == f"/s/{store.slug}/account"


def test_a_session_ends_with_a_merge_and_opens_no_other_store(
    stack: Stack, store: Store, new_store: Callable[[], Store]
) -> None:
    """F13, S: the same person may be a member of both stores."""
    other = new_store()
    survivor = store.member()
    merged, address = _member(store)
    with customer(stack, store) as browser:
        browser.log_in(address)
        session = browser.session
        assert browser.get("account").status_code == 200
        browser.http.cookies.set(f"onefold_member_{other.slug}", session)
        assert browser.http.get(f"/s/{other.slug}/account").status_code == 302
        store.merge(survivor, merged)
        assert browser.get("account").status_code == 302
        assert browser.session == ""


def test_the_account_shows_orders_points_and_the_next_level(stack: Stack, new_store: Callable[[], Store]) -> None:
    """C7, B1: orders with their status, each leading to its page; nobody else's."""
    store = new_store()
    rules = {
        "levels": [{"name": "銀", "threshold_minor": 0}, {"name": "金", "threshold_minor": 100_000}],
        "version": 0,
    }
    seen = store.post("/levels/simulate", rules).json()["simulation_hash"]
    saved = store.http.put(
        "/levels", json=rules | {"simulation_hash": seen}, headers={"Idempotency-Key": key()}
    ).json()["run_id"]
    until(lambda: store.get(f"/levels/runs/{saved}").json()["finished_at"], "levels are saved")
    member, address = _member(store)
    unpaid = store.order(paid=False, customer_id=member, contact=None)
    others = store.order()
    with customer(stack, store) as browser:
        browser.log_in(address)
        page = browser.get("account").text
        for shown in ("銀", "Next level: 金, with HK$\u00a0910.00 more.", f"#{unpaid['number']}", "Unpaid", "Paid"):
            assert shown in page
        assert f"#{others['number']}" not in page
        links = re.findall(rf'href="(/s/{store.slug}/orders/[^"]+)"', page)
        assert len(links) == 2
        assert f"#{unpaid['number']}" in browser.http.get(links[0]).text
        chinese = browser.get("account", language="zh-Hant").text
        assert "下一等級：金" in chinese


def test_customers_edit_their_profile_and_addresses_and_nothing_else(stack: Stack, store: Store) -> None:
    """C6, C5: the change stands in the customer's past with who made it; what the store changed meanwhile is not overwritten."""
    member, address = _member(store)
    with customer(stack, store) as browser:
        browser.log_in(address)
        refused = browser.send("account/profile", name="陳小文", birthday="2999-01-01")
        assert refused.status_code == 422
        assert "陳小文" in refused.text
        sent = browser.send(
            "account/profile", name="陳小文", birthday="1990-02-03", phone="+85291234567", email="x@y.example"
        )
        assert sent.status_code == 302
        now = store.get(f"/customers/{member}").json()
        assert (now["name"], now["birthday"], now["email"]) == ("陳小文", "1990-02-03", address)
        staff = {"name": "陳中文", "expected_version": now["version"]}
        store.http.patch(f"/customers/{member}", json=staff, headers={"Idempotency-Key": key()}).raise_for_status()
        seen = '{"name": "陳小文", "birthday": "1990-02-03", "language": ""}'
        late = browser.send("account/profile", name="陳大大", birthday="1990-02-03", seen=seen)
        assert late.status_code == 409
        assert "Now: 陳中文" in late.text
        assert store.get(f"/customers/{member}").json()["name"] == "陳中文"
        for line in ("1 Nathan Road", "2 Nathan Road"):
            assert browser.send("account/addresses/new", lines=line, recipient="陳大文").status_code == 302
        page = browser.get("account").text
        removals = re.findall(rf"/s/{store.slug}/(account/addresses/\w+/remove)", page)
        assert browser.send("account", removals[0]).status_code == 302
        kept = store.get(f"/customers/{member}").json()["addresses"]
        assert [a["lines"] for a in kept] == [["2 Nathan Road"]]
        past = store.get(f"/customers/{member}/timeline").json()["items"]
        assert any(e["kind"] == "profile_changed" and e["actor"] == f"customer:{member}" for e in past)
