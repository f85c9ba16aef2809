"""Whom a network address stands for, where callers of whom nothing else is known are counted."""

from __future__ import annotations

import ipaddress

# An IPv6 network of this size is one connection's.
_IPV6_PREFIX = 64


def network_of(source: str) -> str:
    """What is counted as one place on the network; "" for what is no address."""
    try:
        address = ipaddress.ip_address(source.strip().partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
    return str(getattr(address, "ipv4_mapped", None) or address)
