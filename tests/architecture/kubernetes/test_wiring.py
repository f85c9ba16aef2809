"""A process, port or variable of the code that is missing in deploy/k8s fails here, before it fails there (H6)."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.common.config import Environment
from services.common.health import LIVENESS
from services.common.sealing import Sealer
from tests.architecture.kubernetes.manifests import (
    FOLDER,
    OVERLAYS,
    ROOT,
    Manifest,
    of_kind,
    pods,
    reads,
    rendered,
    variables,
)

CONTEXTS = tuple(sorted(path.parent.name.replace("_", "-") for path in (ROOT / "services").glob("*/main.py")))
SERVERS = tuple(f"{context}-serve" for context in CONTEXTS)
LASTING = ("gateway", *SERVERS, *(f"{context}-work" for context in CONTEXTS))
JOBS = tuple(f"{context}-{job}" for context in CONTEXTS for job in ("provision", "migrate"))
PORTS = {"serve": ("grpc", 50051), "work": ("health", 50052), "gateway": ("http", 8000)}
# For tests and a developer's machine: in a deployment they are holes.
NEVER = {f"ONEFOLD_{name}" for name in ("CRASH_AT", "SOCIAL_LOOPBACK", "TEST_PAYMENTS_URL", "WEBHOOK_LOOPBACK")}
# Good as they are; README.md says when to change one.
DEFAULTS = {
    *(f"ONEFOLD_{name}" for name in ("CONNECTIONS", "GATEWAY_THREADS", "GATEWAY_WORKERS")),
    *(f"ONEFOLD_RATE_{of}" for of in ("KEY", "SESSION", "ADDRESS")),
    *(f"ONEFOLD_NATS_{of}" for of in ("ACK_SECONDS", "DUPLICATE_SECONDS")),
    *(f"ONEFOLD_SCAN_{of}" for of in ("MEMORY", "SECONDS", "THREADS")),
    *(f"ONEFOLD_MAIL_{of}" for of in ("CONNECTIONS", "PER_SECOND", "RETRY_SECONDS")),
    *(f"ONEFOLD_SMS_{of}" for of in ("CONNECTIONS", "PER_SECOND", "REGIONS", "RETRY_SECONDS", "SECONDS")),
    *(f"ONEFOLD_WEBHOOK_{of}" for of in ("CONNECTIONS", "CONNECTIONS_EACH", "PORTS", "SECONDS")),
    *(f"OTEL_EXPORTER_OTLP_{of}" for of in ("ENDPOINT", "TRACES_ENDPOINT")),
    "ONEFOLD_SMTP_SECONDS",
    "ONEFOLD_STRIPE_URL",
}


def faults(manifests: list[Manifest]) -> list[str]:
    """What the code has or reads and the manifests lack, or the other way round."""
    return [*missing(manifests), *variable_faults(manifests), *port_faults(manifests), *target_faults(manifests)]


def missing(manifests: list[Manifest]) -> Iterator[str]:
    """Of processes, and of what each of them needs around it."""
    yield from (f"no Deployment {name}" for name in LASTING if name not in of_kind(manifests, "Deployment"))
    yield from (f"no Job {name}" for name in JOBS if name not in of_kind(manifests, "Job"))
    yield from (f"no Service {name}" for name in ("gateway", *SERVERS) if name not in of_kind(manifests, "Service"))
    for kind in ("PodDisruptionBudget", "ServiceAccount"):
        yield from (f"no {kind} {name}" for name in LASTING if name not in of_kind(manifests, kind))
    yield from (f"Deployment {name} of no process" for name in of_kind(manifests, "Deployment") if name not in LASTING)


def variable_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Of each process: what it reads and is not given, what it is given and nobody reads."""
    known = reads()
    for name, template in pods(manifests):
        if name not in known:
            continue
        given = variables(manifests, template).keys()
        yield from (f"{name} is not given {one}" for one in sorted(known[name].required - given))
        optional = known[name].all - known[name].required - given - NEVER - DEFAULTS
        yield from (f"{name} is neither given {one} nor is its default declared" for one in sorted(optional))
        yield from (f"{name} is given {one}" for one in sorted(given & NEVER))
        (container,) = template["spec"]["containers"]
        own = {one["name"] for one in container.get("env", [])}
        yield from (f"{name} does not read {one}" for one in sorted(own - known[name].all))
    anybody = frozenset[str]().union(*(one.all for one in known.values()))
    for one in of_kind(manifests, "ConfigMap").values():
        if one["metadata"]["name"].startswith("onefold"):
            own = {key for key in one["data"] if not key.startswith("OTEL_")}  # the SDK's, once it is told where to
            yield from (f"nobody reads {key}" for key in sorted(own - anybody))


def port_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Where a process listens, its container says so, and is asked there whether it lives."""
    for name, template in pods(manifests):
        if name not in LASTING:
            continue
        (container,) = template["spec"]["containers"]
        given = variables(manifests, template)
        ports = {one["name"]: one["containerPort"] for one in container.get("ports", [])}
        word, port = PORTS[name.rpartition("-")[2]]
        if given["ONEFOLD_LISTEN"] != f"0.0.0.0:{port}" or ports.get(word) != port:
            yield f"{name} does not listen at its port {word}"
        if given["ONEFOLD_METRICS_LISTEN"] != f"0.0.0.0:{ports.get('metrics')}":
            yield f"{name} does not show its metrics at its port"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            asked = container.get(probe, {})
            if (asked.get("grpc") or asked.get("httpGet") or {}).get("port") != (port if word != "http" else word):
                yield f"{name} has no {probe} at its port"
            elif "grpc" in asked and asked["grpc"].get("service", "") != (
                "" if probe == "readinessProbe" else LIVENESS
            ):
                yield f"{name} is asked by {probe} for what starts it anew when others are away"
        pause = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if template["spec"]["terminationGracePeriodSeconds"] - pause < 30:
            yield f"{name} is not given 30 seconds to end"


def target_faults(manifests: list[Manifest]) -> Iterator[str]:
    """Each address is that of a Service, headless, before the pods of that context."""
    services, templates = of_kind(manifests, "Service"), dict(pods(manifests))
    config = next(one["data"] for name, one in of_kind(manifests, "ConfigMap").items() if name.startswith("onefold-"))
    for context in CONTEXTS:
        host, _, port = config[f"ONEFOLD_{context.upper().replace('-', '_')}_TARGET"].partition(":")
        service = services.get(host, {}).get("spec", {})
        labels = templates.get(f"{context}-serve", {}).get("metadata", {}).get("labels", {})
        if service.get("clusterIP") != "None" or not service["selector"].items() <= labels.items():
            yield f"{host} does not lead to the pods of {context}"
        elif not any(str(one["port"]) == port and one["targetPort"] == "grpc" for one in service["ports"]):
            yield f"{host} does not answer at {port}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_manifests_have_every_process_port_and_variable_of_the_code(overlay: str) -> None:
    assert faults(rendered(overlay)) == []


def test_every_variable_that_the_code_names_is_read_by_a_process_that_was_started() -> None:
    """What is read on some way only is not overlooked."""
    named = {
        f"ONEFOLD_{node.args[0].value}"
        for folder in ("services", "gateway")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        if node.func.attr in {"text", "secret", "number"} and isinstance(node.args[0], ast.Constant)
        if re.fullmatch(r"[A-Z][A-Z_]+", str(node.args[0].value))
    }
    read = frozenset[str]().union(*(one.all for one in reads().values()))
    assert len(named) > 20
    assert named - read == set()
    assert (NEVER | DEFAULTS) - read == set(), "a default is declared that nobody has"


def container(manifests: list[Manifest], name: str) -> Manifest:
    found: Manifest = of_kind(manifests, *("Deployment", "Job"))[name]["spec"]["template"]["spec"]["containers"][0]
    return found


def without(name: str, variable: str) -> Callable[[list[Manifest]], Any]:
    def spoil(manifests: list[Manifest]) -> None:
        env = container(manifests, name)["env"]
        env[:] = [one for one in env if one["name"] != variable]

    return spoil


def settings(manifests: list[Manifest]) -> Manifest:
    found: Manifest = next(
        one["data"] for name, one in of_kind(manifests, "ConfigMap").items() if name.startswith("onefold-")
    )
    return found


def no(kind: str, name: str) -> Callable[[list[Manifest]], Any]:
    return lambda manifests: manifests.remove(of_kind(manifests, kind)[name])


SPOILT: dict[str, Callable[[list[Manifest]], Any]] = {
    "no Deployment notification-work": no("Deployment", "notification-work"),
    "no Service membership-serve": no("Service", "membership-serve"),
    "no Job orders-migrate": no("Job", "orders-migrate"),
    "no PodDisruptionBudget gateway": no("PodDisruptionBudget", "gateway"),
    "orders-serve is not given ONEFOLD_SEALING_KEYS": without("orders-serve", "ONEFOLD_SEALING_KEYS"),
    "notification-work is not given ONEFOLD_SMTP_URL": without("notification-work", "ONEFOLD_SMTP_URL"),
    "orders-migrate is not given ONEFOLD_DATABASE_URL": without("orders-migrate", "ONEFOLD_DATABASE_URL"),
    "gateway is not given ONEFOLD_PUBLIC_URL": lambda m: settings(m).pop("ONEFOLD_PUBLIC_URL"),
    "gateway is neither given ONEFOLD_PROXIES nor is its default declared": lambda m: settings(m).pop(
        "ONEFOLD_PROXIES"
    ),
    "nobody reads ONEFOLD_PUBLIC_URI": lambda m: settings(m).update(ONEFOLD_PUBLIC_URI="x"),
    "orders-work is given ONEFOLD_TEST_PAYMENTS_URL": lambda m: settings(m).update(ONEFOLD_TEST_PAYMENTS_URL="x"),
    "membership-work does not read ONEFOLD_SMTP_URL": lambda m: container(m, "membership-work")["env"].append(
        {"name": "ONEFOLD_SMTP_URL", "value": "x"}
    ),
    "orders-serve does not listen at its port grpc": lambda m: container(m, "orders-serve")["ports"].pop(0),
    "gateway has no livenessProbe at its port": lambda m: container(m, "gateway").pop("livenessProbe"),
    "orders-serve does not answer at 50052": lambda m: settings(m).update(ONEFOLD_ORDERS_TARGET="orders-serve:50052"),
    "membership-work does not lead to the pods of membership": lambda m: settings(m).update(
        ONEFOLD_MEMBERSHIP_TARGET="membership-work:50051"
    ),
}


@pytest.mark.parametrize("fault", SPOILT)
def test_each_fault_of_the_wiring_is_found(fault: str) -> None:
    manifests = rendered("production")
    SPOILT[fault](manifests)
    assert fault in faults(manifests)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_the_manifests_and_each_is_described(overlay: str) -> None:
    """Values come by reference, and the README names every key."""
    manifests, readme = rendered(overlay), (FOLDER / "README.md").read_text()
    assert of_kind(manifests, "Secret") == {}
    told = set(re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \|", readme, re.MULTILINE))
    for name, template in pods(manifests):
        for variable, value in variables(manifests, template).items():
            secret = re.search(r"KEY|PASSWORD|_URL$|PROVIDERS", variable)
            if isinstance(value, dict) and "secretKeyRef" in value:
                assert (value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]) in told, f"{name} {variable}"
            elif secret and isinstance(value, str):
                assert "@" not in value, f"{name} {variable}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_rollout_begins_with_the_schema_and_ends_with_who_asks_the_others(overlay: str) -> None:
    """Identity_merge asks membership and orders for what older ones do not know; the gateway asks everybody."""
    waves = {
        name: int(one["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))
        for name, one in of_kind(rendered(overlay), "Deployment", "Job").items()
    }
    steps = (
        [name for name in JOBS if name.endswith("provision")],
        [name for name in JOBS if name.endswith("migrate")],
        [name for name in LASTING if not name.startswith(("identity-merge", "gateway"))],
        ["identity-merge-serve", "identity-merge-work"],
        ["gateway"],
    )
    assert [{waves[name] for name in step} for step in steps] == [{wave} for wave in range(1, 6)]


def test_the_secrets_that_are_made_up_are_those_that_pods_ask_for_and_the_code_takes_them() -> None:
    done = subprocess.run(
        [sys.executable, FOLDER / "make_secrets.py", "--mail", "smtp://mail.example"],
        capture_output=True,
        text=True,
        check=True,
    )
    made = {one["metadata"]["name"]: one["stringData"] for one in json.loads(done.stdout)["items"]}
    for name, template in pods(rendered("production")):
        for variable, value in variables(rendered("production"), template).items():
            if isinstance(value, dict) and not (reference := value.get("secretKeyRef", {})).get(
                "optional", not reference
            ):
                given = Environment({variable: made[reference["name"]][reference["key"]]})
                match variable.removeprefix("ONEFOLD_"):
                    case "SERVICE_KEY" | "IDENTIFIER_KEY" | "SECRET_KEY" as key:
                        assert given.secret(key), name
                    case "SEALING_KEYS":
                        assert Sealer.read(given), name
                    case key if key.startswith("NATS_"):
                        assert made["nats"]["password"] in made["onefold"]["nats-url"]
                    case key:
                        assert re.match(r"(postgresql|smtp|nats)://", given.text(key)), name


def test_prometheus_is_given_the_rules_that_are_kept_with_the_metrics() -> None:
    """`deploy/k8s/rules.sh` makes the one of the other."""
    kept = yaml.safe_load((ROOT / "deploy" / "observability" / "alerts.yaml").read_text())
    assert of_kind(rendered("production"), "PrometheusRule")["onefold"]["spec"] == kept


def test_nats_takes_its_settings() -> None:
    """By the server itself, with variables as the StatefulSet gives them."""
    for overlay in ("local", "production"):
        manifests = rendered(overlay)
        given = variables(manifests, dict(pods(manifests))["nats"])
        written = next(
            one["data"]["nats.conf"] for name, one in of_kind(manifests, "ConfigMap").items() if "nats" in name
        )
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(written)
            file.flush()
            texts = {name: value if isinstance(value, str) else "word" for name, value in given.items()}
            server = Path(sys.executable).with_name("nats-server")
            done = subprocess.run(
                [server, "-t", "-c", file.name], env=texts, capture_output=True, text=True, timeout=30
            )
        assert done.returncode == 0, done.stderr
        assert "sync_interval: always" in written
        replicas = of_kind(manifests, "StatefulSet")["nats"]["spec"]["replicas"]
        assert settings(manifests)["ONEFOLD_NATS_REPLICAS"] == str(replicas)
