"""Merges of small accounts, one after the other, and of large ones while the store goes on selling (F4, F5, F13)."""

from __future__ import annotations

from dataclasses import replace

from tests.bench.job import percentiles
from tests.bench.large_merges import LargeMerges, accounts_and_buyers
from tests.bench.parts.directory import HOP, empty_hop
from tests.bench.site import Site

_ACCOUNTS, _ORDERS_EACH = 3, 3
_GOALS = {
    "preview": {"must_be": "below", "value": 500.0},
    "done": {"must_be": "below", "value": 5_000.0},
    "beside": {"must_be": "at most", "value": 2.0},
}


def measure(site: Site) -> None:
    """The whole part: small accounts in every store, large ones of each size in the smallest, and the largest ones in the largest."""
    _small(site)
    for each, groups in site.pace.large_merges if site.first else ():
        _large(site, each, groups)
    if site.last and not site.first:
        _large(site, *site.pace.large_merges[-1])


def _small(site: Site) -> None:
    site.say(f"{site.pace.merges} merges of {_ACCOUNTS} accounts")
    count = site.pace.merges * _ACCOUNTS
    accounts = site.generate(replace(site.job("new members", 4, 60.0), most=count)).people
    again = site.job("existing members", 4, 60.0)
    site.generate(replace(again, people=accounts, most=count * (_ORDERS_EACH - 1)))
    site.settle()
    with site.watched() as watched:
        outcome = site.generate(replace(site.job("merges", 1, 60.0), people=accounts))
    hop = site.floors.get(HOP) or empty_hop(site)
    for name, title in (("plan", "preview"), ("commit", "commit"), ("completed", "commit until done")):
        took = percentiles(outcome.latencies.get(name, []))
        values = {
            "part": "merge",
            "name": f"small merge: {title}",
            "unit": "ms",
            "value": took["p50"],
            "better": "lower",
        }
        site.figure(values | watched | {"orders_each": _ORDERS_EACH}, took=took, floor=hop)
    site.settle()


def _large(site: Site, each: int, groups: int) -> None:
    site.say(f"{groups} merges of accounts with {each:,} orders each")
    accounts, buyers = accounts_and_buyers(site.generate, site.job("new members", 4, 60.0), groups)
    site.settle()
    with site.watched() as watched:
        merging = LargeMerges(site.running, site.api_key, buyers, previews=site.pace.previews)
        found = merging.measure(accounts, each)
    if found["faults"]:
        site.fault(f"orders beside merges: {found['faults']}, the first: {found['first_error']}")
    name = f"one UPDATE of each table for five accounts with {each:,} orders each"
    floor = site.floor(name, round(found["at_once_ms"], 1), "ms")
    largest = each == site.pace.large_merges[-1][0]
    usual = site.floor(
        "99th percentile of 20 orders a second, nothing beside",
        found["orders_usual"]["p99"],
        "ms",
        found["orders_usual"],
    )
    for title, took, rank, goal, beside in (
        ("preview, 95th percentile", found["preview"], "p95", "preview", floor),
        ("commit until the old logins are dead, the slowest", found["logins_dead"], "max", None, floor),
        ("commit until done, the slowest", found["done"], "max", "done", floor),
        ("others' orders beside previews, 99th percentile", found["orders_beside"]["previews"], "p99", None, usual),
        ("others' orders beside merges, 99th percentile", found["orders_beside"]["merges"], "p99", None, usual),
    ):
        values = {
            "part": "merge",
            "name": f"large merge: {title}",
            "unit": "ms",
            "value": took[rank],
            "better": "lower",
        }
        wanted = _GOALS[goal] if goal and largest else None
        site.figure(values | watched | {"orders_each": each, "goal": wanted}, took=took, floor=beside)
    for kind, took in found["orders_beside"].items():
        name = f"others' orders beside {kind} ÷ their usual, 99th percentiles"
        values = {
            "part": "merge",
            "name": name,
            "unit": "",
            "value": round(took["p99"] / max(0.01, usual.value), 2),
            "better": "lower",
        }
        site.figure(values | watched | {"orders_each": each, "goal": _GOALS["beside"] if largest else None})
    site.settle()
