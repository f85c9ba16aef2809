"""Signed links: who holds one sees one order, until it runs out (C7)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from services.common.errors import NotFound
from services.common.ids import new_id
from services.common.links import ORDER_LINK_LIFETIME, Links

KEY = "a service key for tests that is long enough"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
STORE, ORDER = new_id(), new_id()
LINKS = Links(KEY)
TOKEN = LINKS.order("tea", STORE, ORDER, NOW)


def test_a_link_opens_its_order_until_it_runs_out() -> None:
    assert LINKS.read_order("tea", TOKEN, NOW) == (STORE, ORDER)
    last = NOW + ORDER_LINK_LIFETIME
    assert LINKS.read_order("tea", TOKEN, last - timedelta(seconds=1)) == (STORE, ORDER)
    with pytest.raises(NotFound, match=r"^link_refused$"):
        LINKS.read_order("tea", TOKEN, last)


def test_a_link_fits_into_an_address_and_tells_no_key() -> None:
    assert len(TOKEN) == 70
    assert TOKEN.replace("-", "").replace("_", "").isalnum()


def test_a_link_out_of_advertising_never_runs_out_and_opens_no_order() -> None:
    """And the other way round; nor does one store's do anything in another's name."""
    digest = bytes(range(32))
    token = LINKS.unsubscribe("tea", STORE, digest)
    assert LINKS.read_unsubscribe("tea", token) == (STORE, digest)
    for slug, wrong in (("tea", TOKEN), ("coffee", token), ("tea", token[:-2]), ("tea", "A" * 86)):
        with pytest.raises(NotFound, match=r"^link_refused$"):
            LINKS.read_unsubscribe(slug, wrong)
    with pytest.raises(NotFound, match=r"^link_refused$"):
        LINKS.read_order("tea", token, NOW)


@pytest.mark.parametrize("position", range(52))
def test_a_link_with_any_byte_changed_opens_nothing(position: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN + "=="))
    raw[position] ^= 1
    changed = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    with pytest.raises(NotFound, match=r"^link_refused$"):
        LINKS.read_order("tea", changed, NOW)


# Named, for a test run in two processes must have the same names in both, and a token is another each time.
WRONG = {
    "empty": "",
    "short": "a",
    "cut by one": TOKEN[:-1],
    "longer": TOKEN + "AAAA",
    "half": TOKEN[:48],
    "no letters of ours": "é" * 70,
    "padding": "=" * 70,
    "huge": "A" * 10_000,
}


@pytest.mark.parametrize("token", WRONG.values(), ids=WRONG)
def test_what_is_no_link_is_refused_in_the_same_words(token: str) -> None:
    with pytest.raises(NotFound, match=r"^link_refused$"):
        LINKS.read_order("tea", token, NOW)


def test_a_link_of_another_store_or_key_opens_nothing() -> None:
    for links, slug in ((LINKS, "coffee"), (Links(KEY + "!"), "tea")):
        with pytest.raises(NotFound, match=r"^link_refused$"):
            links.read_order(slug, TOKEN, NOW)


def test_links_in_old_mails_open_while_the_service_key_that_made_them_is_known() -> None:
    other = "another service key that is long enough"
    assert Links(f"{other},{KEY}").read_order("tea", TOKEN, NOW) == (STORE, ORDER)
    assert Links(other).order("tea", STORE, ORDER, NOW) == Links(f"{other},{KEY}").order("tea", STORE, ORDER, NOW)
    with pytest.raises(NotFound, match=r"^link_refused$"):
        Links(other).read_order("tea", TOKEN, NOW)
