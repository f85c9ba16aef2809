"""The import rules and the size of things, so that knowing one service is knowing all (architecture, "The house")."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("services", "gateway", "deploy")
CONTEXTS = ("membership", "orders", "identity_merge", "notification")
LINT = Path(sys.executable).with_name("lint-imports")
# An import that breaks each contract, and where it is put.
OFFENCES = {
    "layers": ("services/orders/store/rows.py", "import services.orders.commands"),
    "independence": ("services/orders/queries/orders.py", "import services.membership.domain"),
    "common": ("services/common/clock.py", "import services.orders.domain"),
    "domain": ("services/orders/domain/order.py", "import sqlalchemy"),
    "transport": ("services/orders/queries/orders.py", "import grpc"),
    "nats": ("services/common/clock.py", "import nats"),
    "stubs": ("gateway/languages.py", "import onefold.orders.v1.service_pb2_grpc"),
    "gateway": ("gateway/languages.py", "import services.orders.domain"),
    "likeness": ("services/identity_merge/domain/duplicates.py", "import duckdb"),
    "edge": ("gateway/app.py", "import services.common.database"),
}


def lint_imports(folder: Path) -> str:
    done = subprocess.run(
        [LINT, "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{folder / 'proto'}", "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    return done.stdout + done.stderr


def contracts() -> dict[str, str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {contract["id"]: contract["name"] for contract in settings["tool"]["importlinter"]["contracts"]}


def test_imports_keep_the_rules() -> None:
    output = lint_imports(ROOT)
    assert f"Contracts: {len(contracts())} kept, 0 broken." in output, output


def test_each_import_rule_would_notice_its_breach(tmp_path: Path) -> None:
    assert set(OFFENCES) == set(contracts())
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for folder in (*SOURCES, "proto"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "static", "*.html")
        )
    for file, line in OFFENCES.values():
        path = tmp_path / file
        path.write_text(path.read_text() + f"\n{line}\n")
    output = lint_imports(tmp_path)
    for name in contracts().values():
        assert re.search(re.escape(name) + r"\s+BROKEN", output), f"{name}\n{output}"


def python_files() -> Iterator[Path]:
    for folder in (*SOURCES, "tests"):
        yield from sorted(path for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("context", CONTEXTS)
def test_every_service_has_the_same_rooms(context: str) -> None:
    rooms = {path.stem for path in (ROOT / "services" / context).iterdir() if not path.name.startswith("_")}
    assert {"domain", "commands", "queries", "store", "events", "api", "consumers", "main", "migrations"} <= rooms


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if (lines := len(path.read_text().splitlines())) > 450
    }
    assert long == {}


def test_a_command_fits_on_a_screen() -> None:
    """Commands are at most about 25 lines; the docstring is not counted."""
    long = {}
    for context in CONTEXTS:
        service = ROOT / "services" / context
        for file in [*service.glob("commands.py"), *service.glob("commands/*.py")]:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (length := body_lines(node)) > 30:
                    long[f"{context}: {node.name}"] = length
    assert long == {}


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_nothing_is_left_undone_or_swallowed() -> None:
    # Written in pieces, so that this file does not find itself.
    forbidden = re.compile(
        "|".join(
            (
                "TO" + "DO",
                "FIX" + "ME",
                r"\bX" + r"XX\b",
                r"pytest\.mark\.sk" + "ip",
                r"except[^\n]*:\s*\n\s*pa" + r"ss\b",
            )
        )
    )
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in python_files()
        if "_pb2" not in path.name and (match := forbidden.search(path.read_text()))
    }
    assert found == {}


def test_no_registry_is_named() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    hosts = re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "registry" + r"\.npmjs",
                "deb" + r"ian\.org",
                "docker" + r"\.io",
            )
        )
    )
    named = []
    for name in tracked:
        path = ROOT / name
        if (
            path.is_file()
            and path.suffix not in {".png", ".ico", ".woff2"}
            and hosts.search(path.read_text(errors="replace"))
        ):
            named.append(name)
    assert named == []
