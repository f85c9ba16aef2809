"""The manifests of deploy/k8s as overlays render them, and the variables that the code reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "deploy" / "k8s"
OVERLAYS = tuple(sorted(path.name for path in (FOLDER / "overlays").iterdir()))
KUBECTL = Path(sys.executable).with_name("kubectl")
WORKLOADS = ("Deployment", "StatefulSet", "Job")
Manifest = dict[str, Any]


@cache
def _rendered() -> Mapping[str, list[Manifest]]:
    """All overlays, rendered side by side."""
    started = {
        name: subprocess.Popen([KUBECTL, "kustomize", FOLDER / "overlays" / name], stdout=subprocess.PIPE, text=True)
        for name in OVERLAYS
    }
    texts = {name: process.communicate(timeout=100)[0] for name, process in started.items()}
    failed = [name for name, process in started.items() if process.returncode]
    if failed:
        raise AssertionError(f"cannot be rendered: {failed}")
    return {name: [one for one in yaml.load_all(text, yaml.CSafeLoader) if one] for name, text in texts.items()}


def rendered(overlay: str) -> list[Manifest]:
    """The manifests of an overlay; a copy, which tests may spoil."""
    return deepcopy(_rendered()[overlay])


@dataclass(frozen=True, slots=True)
class Reads:
    """Variables that a process reads, and those without which it does not start."""

    all: frozenset[str]
    required: frozenset[str]


@cache
def reads() -> Mapping[str, Reads]:
    """By process: orders-serve, …, gateway; of a child of a worker, too, whose variables are the worker's."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.variables"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'proto'}"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = {
        name: Reads(frozenset(one["read"]), frozenset(one["required"])) for name, one in json.loads(done.stdout).items()
    }
    child = found.pop("identity-merge-scan")
    worker = found["identity-merge-work"]
    found["identity-merge-work"] = Reads(worker.all | child.all, worker.required | child.required)
    return found


def of_kind(manifests: list[Manifest], *kinds: str) -> dict[str, Manifest]:
    """By name."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] in kinds}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Name of the workload, and its pod template."""
    for name, one in of_kind(manifests, *WORKLOADS).items():
        yield name, one["spec"]["template"]


def variables(manifests: list[Manifest], template: Manifest) -> dict[str, Any]:
    """What a pod's one container gets: texts of its own and of ConfigMaps, references to Secrets."""
    maps = of_kind(manifests, "ConfigMap")
    (container,) = template["spec"]["containers"]
    given: dict[str, Any] = {}
    for source in container.get("envFrom", []):
        given |= maps[source["configMapRef"]["name"]]["data"]
    return given | {one["name"]: one.get("value", one.get("valueFrom")) for one in container.get("env", [])}
