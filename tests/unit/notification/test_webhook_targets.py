"""Where webhooks may not go, however it is spelled (H4)."""

from __future__ import annotations

import pytest

from services.common.errors import InvalidInput
from services.notification.domain import Policy, is_public, read_url

ONLY_THE_INTERNET = Policy()
DEVELOPMENT = Policy(loopback=True)
REFUSED = {
    "url_private": (
        *("https://127.0.0.1/", "https://127.1/", "https://127.0.1/", "https://2130706433/", "https://0x7f000001/"),
        *("https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://017700000001/", "https://127.0.0.1./", "https://0/"),
        *(
            "https://0.0.0.0/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://172.31.255.255/",
            "https://192.168.1.1/",
        ),
        *(
            "https://169.254.169.254/latest/meta-data/",
            "https://2852039166/",
            "https://0xa9fea9fe/",
            "https://100.100.100.200/",
        ),
        *(
            "https://100.64.0.1/",
            "https://192.0.0.192/",
            "https://192.0.2.1/",
            "https://198.18.0.1/",
            "https://203.0.113.7/",
        ),
        *(
            "https://192.88.99.1/",
            "https://224.0.0.1/",
            "https://239.255.255.250/",
            "https://255.255.255.255/",
            "https://240.0.0.1/",
        ),
        *(
            "https://[::1]/",
            "https://[::]/",
            "https://[0:0:0:0:0:0:0:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
        ),
        *(
            "https://[::127.0.0.1]/",
            "https://[::ffff:0:127.0.0.1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[64:ff9b:1::1]/",
        ),
        *(
            "https://[2002:7f00:1::]/",
            "https://[2002:a9fe:a9fe::1]/",
            "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
        ),
        *(
            "https://[fe80::1]/",
            "https://[fc00::1]/",
            "https://[fd00:ec2::254]/",
            "https://[ff02::1]/",
            "https://[2001:db8::1]/",
        ),
        *("https://[100::1]/", "https://[fec0::1]/", "https://[5f00::1]/", "https://[3fff::1]/"),
        *(
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
            "https://printer.local/",
        ),
        *(
            "https://metadata.google.internal/",
            "https://orders.onefold.svc/",
            "https://intranet/",
            "https://router.lan/",
        ),
        # Full-width, circled and other letters that become usual ones: 127.0.0.1, localhost.
        *(
            "https://\uff11\uff12\uff17.0.0.1/",
            "https://\u2460\u2461\u2466.0.0.1/",
            "https://127\u30020\u30020\u30021/",
        ),
        *(
            "https://\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54/",
            "https://1.2.3.4.5/",
            "https://256.256.256.256/",
        ),
    ),
    "url_not_https": (
        "http://hooks.example.com/",
        "http://8.8.8.8/",
        "ftp://hooks.example.com/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "hooks.example.com",
        "",
    ),
    "url_credentials": ("https://user@hooks.example.com/", "https://user:pw@8.8.8.8/", "https://:@hooks.example.com/"),
    "url_port": ("https://hooks.example.com:22/", "https://hooks.example.com:8443/", "https://8.8.8.8:0/"),
    "url_invalid": (
        *(
            "https://",
            "https:///path",
            "https://hooks.example.com/#part",
            "https://hooks.exa mple.com/",
            "https://a\n.example.com/",
        ),
        *(
            "https://hooks.example.com\\@127.0.0.1/",
            "https://hooks.example.com/a\tb",
            "https://-a.example.com/",
            "https://a..com/",
        ),
        *(
            "https://%31%32%37.0.0.1/",
            "https://hooks.example.com:99999/",
            "https://hooks.example.com/路",
            "https://[::1/",
        ),
        "https://[fe80::1%25eth0]/",
    ),
}
TABLE = [(reason, url) for reason, urls in REFUSED.items() for url in urls]


@pytest.mark.parametrize(("reason", "url"), TABLE, ids=[f"{n}-{reason}" for n, (reason, _) in enumerate(TABLE)])
def test_no_webhook_goes_where_only_we_can_reach(reason: str, url: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_url(url, ONLY_THE_INTERNET)
    (violation,) = refusal.value.violations
    assert (violation.field, violation.reason) == ("url", reason)


def test_a_webhook_goes_to_an_address_of_the_internet_by_name_or_number() -> None:
    for url, read in (
        ("https://hooks.example.com", "https://hooks.example.com/"),
        ("HTTPS://Hooks.Example.COM:443/A/b?c=%20d", "https://hooks.example.com/A/b?c=%20d"),
        ("https://店.example.tw/in", "https://xn--hxt.example.tw/in"),
        ("https://8.8.8.8/", "https://8.8.8.8/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
        ("https://hooks_1.example.com/", "https://hooks_1.example.com/"),
    ):
        assert read_url(url, ONLY_THE_INTERNET).url == read
    assert read_url("https://hooks.example.com:8443/", Policy(frozenset({443, 8443}))).port == 8443


def test_what_a_name_stands_for_is_judged_as_strictly_as_a_number() -> None:
    for address in (
        "127.0.0.1",
        "10.1.2.3",
        "::ffff:10.1.2.3",
        "::1",
        "fe80::1%eth0",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "nonsense",
        "",
    ):
        assert not is_public(address, ONLY_THE_INTERNET), address
    assert is_public("8.8.8.8", ONLY_THE_INTERNET)
    assert is_public("2606:4700:4700::1111", ONLY_THE_INTERNET)


def test_development_opens_the_loopback_and_nothing_else() -> None:
    assert read_url("http://127.0.0.1:5000/hook", DEVELOPMENT).url == "http://127.0.0.1:5000/hook"
    assert read_url("http://localhost:5000/hook", DEVELOPMENT).port == 5000
    for url in ("http://10.0.0.1/", "https://169.254.169.254/", "http://hooks.example.com/", "https://127.1/"):
        with pytest.raises(InvalidInput):
            read_url(url, DEVELOPMENT)
    assert is_public("::1", DEVELOPMENT)
    assert not is_public("10.0.0.1", DEVELOPMENT)
