"""What alerts and dashboard ask for is what the code tells, and whoever is woken finds what to do (H6)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from deploy.local.process import ROOT
from deploy.local.state import CONTEXTS
from services.common import sampling

FOLDER = ROOT / "deploy" / "observability"
_OURS = re.compile(r"\bonefold_\w+")
_QUEUE = re.compile(r'queue=~?\s*"([^"]+)"')
_SELECTED = re.compile(r"\b(onefold_\w+)\s*\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
_BY = re.compile(r"\b(?:by|on)\s*\(([^)]*)\)")
# What Grafana puts in before Prometheus sees it.
_INTERVAL = "$__rate_interval"
Alert = Mapping[str, Any]


def alerts() -> list[Alert]:
    """All rules, each with its name."""
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[Mapping[str, Any]]:
    """All panels of the dashboard but its headings."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression, with where it stands."""
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace(_INTERVAL, "5m")


def exported() -> dict[str, set[str]]:
    """Every series that the code tells, with its labels."""
    found: dict[str, set[str]] = {}
    for collector in set(REGISTRY._collector_to_names):
        name = getattr(collector, "_name", "")
        if name.startswith("onefold_"):
            endings = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",)}.get(collector._type, ("",))  # type: ignore[attr-defined]
            for ending in endings:
                found[name + ending] = set(collector._labelnames) | ({"le"} if ending == "_bucket" else set())  # type: ignore[attr-defined]
    return found


def queues() -> set[str]:
    """Every queue that a service looks at."""
    own = [import_module(f"services.{context}.store.queues").QUEUES for context in CONTEXTS]
    return {name for each in (sampling.PLUMBING, *own) for name in each}


def test_every_expression_is_promql() -> None:
    """A rule that does not parse is found here and not by Prometheus at its start."""
    for _, expression in expressions():
        promql_parser.parse(expression)
    with pytest.raises(ValueError, match=r".+"):
        promql_parser.parse("sum by (service (onefold_ready)")


def test_rules_and_panels_ask_for_what_there_is() -> None:
    """Metrics, their labels and the names of queues; a name that was changed in the code alone would never wake anybody."""
    known, names = exported(), queues()
    labels = set().union(*known.values()) | {"job", "instance"}
    for where, expression in expressions():
        assert set(_OURS.findall(expression)) <= set(known), where
        for metric, selected in _SELECTED.findall(expression):
            assert set(_LABEL.findall(selected)) <= known[metric] | {"job"}, where
        for grouped in _BY.findall(expression):
            assert {label.strip() for label in grouped.split(",")} <= labels, where
        for wanted in _QUEUE.findall(expression):
            assert set(wanted.split("|")) <= names, where


def test_everything_told_is_shown_and_every_queue_is_looked_at() -> None:
    """The reverse: what nobody looks at need not be counted."""
    asked = " ".join(expression for _, expression in expressions())
    told = {name for name in exported() if not name.endswith(("_bucket", "_sum"))}
    assert {name for name in told if name not in asked} == set()
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    assert {queue for queue in queues() if not re.search(rf'["|]{queue}["|]', shown)} == set()


def test_labels_are_few_and_come_from_the_code() -> None:
    """No store, no person, no address: each label is one of these, whose values the code knows."""
    allowed = {"call", "channel", "code", "le", "method", "need", "outcome", "process", "publisher", "queue", "reason"}
    allowed |= {"route", "service", "state", "status"}
    assert set().union(*exported().values()) <= allowed


def test_every_alert_says_what_is_wrong_how_bad_it_is_and_where_it_is_written_what_to_do() -> None:
    """A person who is woken reads one sentence and follows one link."""
    names = [alert["alert"] for alert in alerts()]
    assert len(names) == len(set(names))
    for alert in alerts():
        assert alert["labels"]["severity"] in ("page", "note"), alert["alert"]
        assert alert["annotations"]["summary"], alert["alert"]
        file, _, anchor = alert["annotations"]["runbook"].partition("#")
        assert anchor in anchors(ROOT / file), alert["alert"]


def anchors(file: Path) -> set[str]:
    """The headings of a Markdown file, as they are linked to."""
    headings = re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    """Its ids are unique, its panels lie beside one another on the grid of 24, and the data source is chosen when it is loaded."""
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    covered: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & covered, panel["title"]
        covered |= cells
    assert {panel["datasource"]["uid"] for panel in panels()} == {"${datasource}"}
    assert [variable["name"] for variable in dashboard["templating"]["list"]] == ["datasource"]


def test_a_metric_is_counted_somewhere() -> None:
    """Each that telemetry/metrics.py declares is used by the code."""
    source = (ROOT / "services" / "common" / "telemetry" / "metrics.py").read_text()
    declared = {node.targets[0].id for node in ast.parse(source).body if isinstance(node, ast.Assign)}  # type: ignore[attr-defined]
    files = [*(ROOT / "services").rglob("*.py"), *(ROOT / "gateway").rglob("*.py")]
    used = " ".join(file.read_text() for file in files if file.name != "metrics.py")
    assert {name for name in declared if not name.startswith("_") and not re.search(rf"\b{name}\b", used)} == set()
