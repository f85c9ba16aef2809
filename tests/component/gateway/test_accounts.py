"""Customers log in at the storefront by a code of the mail, see their account and log out (A4, A8, C6, C7, F13, S)."""

from __future__ import annotations

import re
from collections.abc import Callable

from deploy.local.stack import Stack
from tests.component.gateway.conftest import Store, key
from tests.component.gateway.customer import customer
from tests.support.messages import code_for, link_for, messages
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
            asked = browser.send("login", identifier=email)
            page = browser.get("login/code")
            refused = browser.send("login/code", code="000000")
            assert refused.status_code == 422
            seen.append(
                (asked.status_code, asked.headers["Location"], _said(page.text, email), _said(refused.text, email))
            )
    assert seen[0] == seen[1]
    assert link_for(stack, stranger, f"/s/{store.slug}/register?token=")


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
        until(lambda: browser.get("account").status_code == 302, "nobody is believed for longer than a second", 2)
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
        for shown in ("銀", "Next level: 金", "HK$\u00a0910.00 more.", f"#{unpaid['number']}", "Unpaid", "Paid"):
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


def test_whoever_proves_a_phone_becomes_a_member_with_the_guest_orders_of_it(stack: Stack, store: Store) -> None:
    """A3, A7: nobody else's orders, and none before the proof."""
    guest = store.person()
    order = store.order(contact=guest, add_as_member=False)
    with customer(stack, store) as browser:
        assert browser.get("register").headers["Location"] == f"/s/{store.slug}/login"
        assert browser.log_in(guest["phone"]).headers["Location"] == f"/s/{store.slug}/register"
        for wrong in ({"birthday": "2999-01-01"}, {"password": "short"}, {"name": ""}):
            refused = browser.send("register", **{"name": "陳大文", "sms_marketing": "y"} | wrong)
            assert refused.status_code == 422
            assert f'id="{next(iter(wrong))}-error"' in refused.text
            assert 'checked class="form-check-input" id="sms_marketing"' in refused.text
        made = browser.send("register", name="陳大文", birthday="1990-02-03", email_marketing="y")
        assert made.headers["Location"] == f"/s/{store.slug}/account"
        assert "Welcome to" in browser.get("account").text
        until(lambda: f"#{order['number']}" in browser.get("account").text, "the guest's order is the member's")
        assert browser.get("register").headers["Location"] == f"/s/{store.slug}/login"
        privacy = browser.get("account/privacy").text
        assert 'checked class="form-check-input" id="email_marketing"' in privacy
        assert 'checked class="form-check-input" id="sms_marketing"' not in privacy
    member = store.get(f"/orders/{order['order_id']}").json()["customer_id"]
    known = store.get(f"/customers/{member}").json()
    assert (known["name"], known["phone"], known["birthday"]) == ("陳大文", guest["phone"], "1990-02-03")


def test_a_mails_link_registers_the_browser_that_presses_the_button_and_no_other(stack: Stack, store: Store) -> None:
    """A3: by confirmation link, then password; what a mail scanner opens, it opens in vain."""
    address, password = str(store.person()["email"]), "twelve chars and more"
    with customer(stack, store) as asker, customer(stack, store) as reader, customer(stack, store) as late:
        asker.send("login", "login?next=/s/" + store.slug + "/checkout", identifier=address)
        page = link_for(stack, address, "/register?token=").partition(f"/s/{store.slug}/")[2]
        assert [browser.get(page).status_code for browser in (late, reader, reader)] == [200, 200, 200]
        assert reader.send(page, "register/link").headers["Location"] == f"/s/{store.slug}/register"
        assert late.send(page, "register/link").status_code == 404
        made = reader.send("register", name="陳大文", password=password)
        assert made.headers["Location"] == f"/s/{store.slug}/account"
    with customer(stack, store) as browser:
        refused = [
            browser.send("login/password", identifier=who, password=typed)
            for who, typed in ((address, "not it at all"), ("nobody@mail.example", password))
        ]
        assert {answer.status_code for answer in refused} == {401}
        said = {re.sub(r'value="[^"]*"', "", answer.text.partition("<main")[2]) for answer in refused}
        assert len(said) == 1
        assert browser.send("login/password", identifier=address, password=password).status_code == 302
        assert address in browser.get("account/login").text


def test_a_password_is_set_by_who_can_vouch_and_ends_all_other_sessions(stack: Stack, store: Store) -> None:
    """C6, F13: right after a code without the old one, and with it later."""
    address = str(store.person()["email"])
    with customer(stack, store) as phone, customer(stack, store) as desk:
        phone.register(address)
        desk.log_in(address)
        before = desk.session
        assert desk.send("account/password", new_password="password").status_code == 422
        assert desk.send("account/password", new_password="twelve chars and more").status_code == 302
        assert desk.session != before
        assert phone.get("account").status_code == 302
        assert phone.send("login/password", identifier=address, password="twelve chars and more").status_code == 302
        page = phone.get("account/password").text
        assert 'id="current_password"' in page
        assert phone.send("account/password", new_password="another of twelve").status_code in (409, 422)
        wrong = phone.send("account/password", current_password="not it at all", new_password="another of twelve")
        assert wrong.status_code == 422
        listed = phone.get("account/login").text
        assert listed.count("Log out there") == 1
        assert phone.send("account/login", "account/sessions/end", session_id="").status_code == 302
        assert desk.get("account").status_code == 302
        assert phone.get("account").status_code == 200


def test_a_log_in_begins_another_session_and_ends_the_one_that_the_browser_had(stack: Stack, store: Store) -> None:
    """Session fixation: a token that somebody else knows is not the one that goes on."""
    theirs, mine = (str(store.person()["email"]) for _ in range(2))
    with customer(stack, store) as somebody, customer(stack, store) as browser:
        somebody.register(theirs)
        browser.http.cookies.set(f"onefold_member_{store.slug}", somebody.session, domain="127.0.0.1", path="/")
        seen = len(messages(stack, mine))
        assert browser.send("account/login", "login", identifier=mine).status_code == 302
        assert browser.send("login/code", code=code_for(stack, mine, seen=seen)).status_code == 302
        assert browser.send("register", name="陳大文").status_code == 302
        assert browser.session != somebody.session
        assert mine in browser.get("account/login").text
        assert somebody.get("account").status_code == 302


def test_one_more_address_is_proved_before_it_logs_in_and_another_accounts_is_not_taken(
    stack: Stack, store: Store
) -> None:
    """C6, A8, U."""
    mine, more, others = (str(store.person()["email"]) for _ in range(3))
    with customer(stack, store) as somebody:
        somebody.register(others)
    with customer(stack, store) as browser:
        browser.register(mine)
        assert f"You can log in with {more} from now on." in browser.add(more).text
        assert f"{others} belongs to another account of yours" in browser.add(others).text
    with customer(stack, store) as browser:
        assert browser.log_in(more).headers["Location"] == f"/s/{store.slug}/account"
        assert mine in browser.get("account/login").text


def test_a_merged_address_is_answered_like_one_that_nobody_has(stack: Stack, store: Store) -> None:
    """F6, T, A8: only its reader learns that it cannot be used, and no code lets anybody in."""
    survivor = store.member()
    merged, address = _member(store)
    store.merge(survivor, merged)
    stranger, seen = str(store.person()["email"]), []
    for email in (address, stranger):
        with customer(stack, store) as browser:
            asked = browser.send("login", identifier=email)
            page, refused = browser.get("login/code"), browser.send("login/code", code="000000")
            by_password = browser.send("login/password", identifier=email, password="twelve chars and more")
            seen.append((asked.status_code, *(_said(answer.text, email) for answer in (page, refused, by_password))))
    assert seen[0] == seen[1]
    mail = until(lambda: _newest(stack, address, "cannot be used"), "the mail to the merged address arrives")
    assert not re.search(r"^\d{6}$", mail, re.MULTILINE)


def _newest(stack: Stack, address: str, words: str) -> str:
    """The text of the newest mail to the address that has the words; "" while there is none."""
    texts = [str(mail["text"]) for mail in messages(stack, address)]
    return next((text for text in texts if words in text), "")


def test_a_member_changes_consents_and_takes_all_their_data_along(stack: Stack, store: Store) -> None:
    """C6: the file is complete, with what lists leave out, and nobody else's."""
    member, address = _member(store)
    with customer(stack, store) as browser:
        browser.log_in(address)
        assert browser.send("account/privacy", email_marketing="y").status_code == 302
        assert browser.send("account/privacy").status_code == 302
        file = browser.get("account/data.json")
        assert file.headers["Content-Disposition"].startswith(f'attachment; filename="{store.slug}-')
        known = file.json()
        assert (known["profile"]["customer_id"], known["profile"]["email"]) == (member, address)
        assert [(c["kind"], c["given"], c["by"]) for c in known["consent_changes"]] == [
            ("email_marketing", False, "you"),
            ("email_marketing", True, "you"),
        ]
        assert [line["quantity"] for order in known["orders"] for line in order["lines"]] == [2]
        assert sum(lot["points"] for lot in known["points"]["lots"]) == known["points"]["balance"] > 0
        assert known["points_entries"][0]["balance_after"] == known["points"]["balance"]
        assert {"order_placed", "login_code"} <= {message["kind"] for message in known["messages"]}
        assert [session["this_one"] for session in known["sessions"]] == [True]
        assert {m["value"] for m in known["login_methods"]} == {address, known["profile"]["phone"]}
        assert "points_entries" in known
        assert browser.get("account/points").text.count("Earned with an order") == 1
    with customer(stack, store) as stranger:
        assert stranger.get("account/data.json").status_code == 302
