"""What a log line holds, and what it never does (architecture, rule 10; H6)."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from deploy.local.process import ROOT, base_environment

_PROGRAM = """
import logging, sys
import structlog
from services.common import logging as ours, telemetry
from services.common.config import Environment
from services.common.errors import Internal

ours.configure(Environment({}), service="orders", process="serve")
telemetry.begin("request-12345", "00-" + "a" * 32 + "-" + "b" * 16 + "-01")
try:
    try:
        int("Chan Tai Man")
    except ValueError as error:
        raise Internal("internal", "Chan Tai Man") from error
except Internal:
    structlog.get_logger().exception("rpc_failed", method="Create")
logging.getLogger("library").warning("cannot read %s", "Chan Tai Man")
try:
    {}["Chan Tai Man"]
except KeyError:
    logging.getLogger("library").exception("Task failed\\nfuture: Chan Tai Man")
logging.getLogger("library").info("not worth a line")
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, str]]:
    """What a process of its own has written."""
    ran = subprocess.run(
        [sys.executable, "-c", _PROGRAM], env=base_environment(), cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_every_line_is_json_with_who_says_it_the_request_and_the_trace(lines: list[dict[str, str]]) -> None:
    """H6: a library's lines like our own."""
    assert [line["event"] for line in lines] == ["rpc_failed", "cannot read %s", "Task failed"]
    for line in lines:
        assert (line["service"], line["process"], line["request_id"]) == ("orders", "serve", "request-12345")
        assert line["trace_id"] == "a" * 32
    assert lines[1]["level"] == logging.getLevelName(logging.WARNING).lower()


def test_an_error_is_told_by_its_type_and_its_places_and_not_by_its_words(lines: list[dict[str, str]]) -> None:
    """Its words may repeat what somebody typed."""
    assert not [line for line in lines if "Chan" in json.dumps(line)]
    told = lines[0]["exception"].splitlines()
    assert told[-1] == "services.common.errors.Internal internal"
    assert "builtins.ValueError" in told
    assert [line for line in told if line.startswith("  ") and "<string>" in line]
