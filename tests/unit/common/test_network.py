"""Whom a network address stands for where strangers are counted (A8, H4)."""

from __future__ import annotations

import pytest

from services.common.network import network_of


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("2001:db8:0:1::2", "2001:db8:0:1::/64"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_a_place_on_the_network_is_an_address_or_a_network_of_one_connection(source: str, network: str) -> None:
    assert network_of(source) == network
