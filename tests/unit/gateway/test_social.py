"""Where browsers that come back from a provider are led, whatever they bring (A3)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient

BACK = "/s/login/back"


def test_the_state_leads_to_its_stores_page_with_what_was_brought(client: FlaskClient) -> None:
    answer = client.get(
        f"{BACK}?state=tea.x&code=a%26b&iss=https://acme.example&scope=openid&next=https://evil.example"
    )
    where = urlsplit(answer.headers["Location"])
    assert (where.scheme, where.netloc, where.path) == ("", "", "/s/tea/login/back")
    assert parse_qs(where.query) == {"state": ["tea.x"], "code": ["a&b"], "iss": ["https://acme.example"]}


def test_an_answer_that_comes_as_a_form_comes_once_more_by_itself(client: FlaskClient) -> None:
    """From another site, so without our cookies; it changes nothing, so it needs no token of ours."""
    answer = client.post(BACK, data={"state": "tea.x", "code": "c", "user": '{"name": "Mei"}'})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{BACK}?state=tea.x&code=c")


def test_where_the_customer_was_going_is_kept_for_its_own_store_alone(client: FlaskClient) -> None:
    with client.session_transaction() as kept:
        kept["code_way"] = "/s/tea/checkout"
    for state, way in (("tea.x", ["/s/tea/checkout"]), ("coffee.x", None)):
        answer = client.get(f"{BACK}?state={state}&code=c")
        assert parse_qs(urlsplit(answer.headers["Location"]).query).get("next") == way


def test_who_comes_back_without_a_state_comes_back_to_the_store(client: FlaskClient) -> None:
    with client.session_transaction() as kept:
        kept["social_store"] = "tea"
    answer = client.get(f"{BACK}?error=access_denied")
    assert answer.headers["Location"] == "/s/tea/login/back?error=access_denied"


@pytest.mark.parametrize("query", ["", "?state=", "?state=.x", "?code=c", f"?state=tea.x&code={'c' * 4_097}"])
def test_what_no_provider_brings_leads_nowhere(client: FlaskClient, query: str) -> None:
    assert client.get(BACK + query).status_code == 404


@pytest.mark.parametrize("state", ["//evil.example", "/\\evil", "https://evil", "..", "\\\\evil.x", "%2f%2fevil.x"])
def test_no_state_leads_out_of_here(client: FlaskClient, state: str) -> None:
    answer = client.get(BACK, query_string={"state": state, "code": "c"})
    where = urlsplit(answer.headers.get("Location", "/s/"))
    assert (where.scheme, where.netloc) == ("", "")
    assert where.path.startswith("/s/")
    assert "\\" not in where.path
