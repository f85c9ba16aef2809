"""Where webhooks may go: to the internet, and never to what only we can reach (SSRF).

An address is read once, strictly, and every network address that its name stands for must be one of the public internet. What connects
must ask `is_public` of the very address that it connects to, for names may stand for something else a moment later.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from services.common.errors import InvalidInput

LONGEST_URL = 1_000
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_SCHEMES = {"https": 443, "http": 80}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What resolvers take for a number in some spelling: 2130706433, 0x7f.1, 0177.0.0.1.
_NUMBER = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)
# Names that are somebody's inside, whatever they stand for.
_INSIDE = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "corp", "private", "svc")
_CLOSED_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
]
# Of IPv6 only global unicast is open, and not what lies in it for tunnels (Teredo, 6to4) and documents: what leads on to an IPv4 address,
# mapped, translated or tunnelled, is somewhere else than it says.
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_6 = [
    ipaddress.IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16")
]


@dataclass(frozen=True, slots=True)
class Policy:
    """Which ports are open; `loopback` lets http and this machine's own addresses through, for development."""

    ports: frozenset[int] = frozenset({443})
    loopback: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """An address that was read. `host` is ASCII, as it stands in certificates and headers."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """As it is asked for."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _SCHEMES[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_url(text: str, policy: Policy) -> Target:
    """Raises InvalidInput (url_invalid, url_not_https, url_credentials, url_port, url_private) for the field "url"."""
    if len(text) > LONGEST_URL:
        raise InvalidInput.of("url", "too_long", longest=str(LONGEST_URL))
    if any(c.isspace() or not c.isprintable() or c in '"<>\\^`{|}' for c in text):
        raise InvalidInput.of("url", "url_invalid")
    try:
        parts = urlsplit(text)
        port, host, user = parts.port, parts.hostname or "", parts.username is not None or parts.password is not None
    except ValueError:
        raise InvalidInput.of("url", "url_invalid") from None
    if parts.scheme not in _SCHEMES:
        raise InvalidInput.of("url", "url_not_https")
    if not host or parts.fragment or "%" in host:
        raise InvalidInput.of("url", "url_invalid")
    if user:
        raise InvalidInput.of("url", "url_credentials")
    name = _host(host, policy)
    inside = policy.loopback and _is_loopback(name)
    if parts.scheme != "https" and not inside:
        raise InvalidInput.of("url", "url_not_https")
    port = _SCHEMES[parts.scheme] if port is None else port
    if port not in policy.ports and not inside:
        raise InvalidInput.of("url", "url_port", ports=", ".join(map(str, sorted(policy.ports))))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise InvalidInput.of("url", "url_invalid")
    return Target(parts.scheme, name, port, path)


def is_public(text: str, policy: Policy) -> bool:
    """Whether a network address, as a resolver or connection tells it, is one of the public internet."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False  # with a zone ("fe80::1%eth0"), or nothing that can be judged
    if policy.loopback and address.is_loopback:
        return True
    return all(_is_open(each) for each in _meant(address))


def _meant(address: _Address) -> Iterator[_Address]:
    yield address
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        yield address.ipv4_mapped


def _is_open(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not any(address in network for network in _CLOSED_4)
    return address.is_global and address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def _host(host: str, policy: Policy) -> str:
    """The host in ASCII; addresses are judged at once."""
    if ":" in host:
        if not is_public(host, policy):
            raise InvalidInput.of("url", "url_private")
        return ipaddress.ip_address(host).compressed
    try:
        name = idna.encode(host.removesuffix("."), uts46=True, transitional=False).decode()
    except (idna.IDNAError, UnicodeError):
        # Underscores, and what was made before the newest rules, may stand in names that resolve.
        name = host.removesuffix(".").lower()
    labels = name.split(".")
    if all(_NUMBER.fullmatch(label) for label in labels) or _NUMBER.fullmatch(labels[-1]):
        return _numeric(name, policy)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise InvalidInput.of("url", "url_invalid")
    if policy.loopback and name == "localhost":
        return name
    if len(labels) < 2 or any(name == inside or name.endswith(f".{inside}") for inside in _INSIDE):
        raise InvalidInput.of("url", "url_private")
    return name


def _numeric(name: str, policy: Policy) -> str:
    """An IPv4 address in its one usual spelling; any other is meant to deceive."""
    try:
        address = str(ipaddress.IPv4Address(name))
    except ValueError:
        raise InvalidInput.of("url", "url_private") from None
    if not is_public(address, policy):
        raise InvalidInput.of("url", "url_private")
    return address


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"
