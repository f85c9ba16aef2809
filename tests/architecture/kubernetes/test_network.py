"""Who may reach whom in the cluster is who does so in the code, and nobody else (H6, architecture "The house")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

import pytest

from tests.architecture.kubernetes.manifests import OVERLAYS, Manifest, of_kind, pods, reads, rendered

PORTS = {50051, 50052, 8000, 9464, 5432, 4222, 6222, 8222, 443}
CONTEXTS = ("identity-merge", "membership", "notification", "orders")
# Whoever sends webhooks and text messages, speaks to payment or login providers; and the one that sends mail.
WORLD = {
    "orders-serve": {443},
    "orders-work": {443},
    "identity-merge-serve": {443},
    "notification-work": {443, 465, 587},
}
INSIDE = ("10.0.0.1", "172.16.9.9", "192.168.0.1", "100.64.0.1", "169.254.169.254", "127.0.0.1", "fd00::1", "fe80::1")
OUTSIDE = ("203.0.113.9", "8.8.8.8", "2606:4700::1111")


@dataclass(frozen=True, slots=True)
class Pod:
    """Whom policies select: by labels, in the namespace with these labels."""

    name: str
    labels: dict[str, str]
    namespace: dict[str, str] = field(default_factory=lambda: {"kubernetes.io/metadata.name": "onefold"})


DNS = Pod("dns", {"k8s-app": "kube-dns"}, {"kubernetes.io/metadata.name": "kube-system"})
INGRESS = Pod("ingress", {}, {"onefold-ingress": "true"})
PROMETHEUS = Pod("prometheus", {}, {"onefold-monitoring": "true"})
STRANGER = Pod(
    "stranger", {"calls-orders": "true", "reaches-postgres": "true"}, {"kubernetes.io/metadata.name": "default"}
)


def inhabitants(manifests: list[Manifest]) -> list[Pod]:
    """The pods of an overlay; those of PostgreSQL bear the labels that its operator gives."""
    ours = [Pod(name, template["metadata"]["labels"]) for name, template in pods(manifests)]
    return ours + [Pod(name, {"cnpg.io/cluster": name}) for name in of_kind(manifests, "Cluster")]


def _selected(selector: Manifest, labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels"}, "this test reads no other selectors"
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def _meets(peer: Manifest, other: Pod | str, home: Pod) -> bool:
    if block := peer.get("ipBlock"):
        if isinstance(other, Pod):
            return False
        address, within = ip_address(other), ip_network(block["cidr"])
        return address in within and not any(address in ip_network(one) for one in block.get("except", []))
    if isinstance(other, str):
        return False
    namespace = peer.get("namespaceSelector")
    near = other.namespace == home.namespace if namespace is None else _selected(namespace, other.namespace)
    return near and _selected(peer.get("podSelector", {}), other.labels)


def _lets(policies: list[Manifest], direction: str, home: Pod, other: Pod | str, port: int) -> bool:
    """As Kubernetes reads policies: whoever is selected by one may only what some rule allows."""
    here = [one["spec"] for one in policies if _selected(one["spec"]["podSelector"], home.labels)]
    ruling = [one for one in here if direction in one["policyTypes"]]
    rules = [rule for one in ruling for rule in one.get(direction.lower(), [])]
    peers = "to" if direction == "Egress" else "from"
    return not ruling or any(
        any(one["port"] == port for one in rule["ports"])
        and (peers not in rule or any(_meets(peer, other, home) for peer in rule[peers]))
        for rule in rules
    )


def may(manifests: list[Manifest], source: Pod, target: Pod | str, port: int) -> bool:
    """Whether a connection comes about: both ends must let it."""
    policies = list(of_kind(manifests, "NetworkPolicy").values())
    ours = {"kubernetes.io/metadata.name": "onefold"}
    leaves = source.namespace != ours or _lets(policies, "Egress", source, target, port)
    outside = isinstance(target, str) or target.namespace != ours
    return leaves and (outside or _lets(policies, "Ingress", target, source, port))  # type: ignore[arg-type]


def needed(manifests: list[Manifest]) -> Iterator[tuple[str, str, int]]:
    """By the addresses that each process reads."""
    known, names = reads(), {pod.name for pod in inhabitants(manifests)}
    for source, one in known.items():
        for context in CONTEXTS:
            if f"ONEFOLD_{context.upper().replace('-', '_')}_TARGET" in one.all:
                yield source, f"{context}-serve", 50051
        if "nats" in names and "ONEFOLD_NATS_URL" in one.all:
            yield source, "nats", 4222
        if "postgres" in names and any(name.endswith("DATABASE_URL") for name in one.all):
            yield source, "postgres", 5432
    # `deploy.store` opens stores, `deploy.reconcile` looks into the databases.
    yield "operations", "identity-merge-serve", 50051
    if "nats" in names:
        yield "nats", "nats", 6222
    if "postgres" in names:
        yield "operations", "postgres", 5432
        yield from (("postgres", "postgres", port) for port in (5432, 8000))


def allowed(manifests: list[Manifest]) -> Iterator[tuple[str, str, int]]:
    """By the policies; to the API server and the store of backups PostgreSQL's operator goes as it must."""
    everybody = inhabitants(manifests)
    for source in everybody:
        for target in everybody:
            yield from ((source.name, target.name, port) for port in PORTS if may(manifests, source, target, port))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_process_reaches_just_what_the_code_calls(overlay: str) -> None:
    manifests = rendered(overlay)
    assert set(allowed(manifests)) == set(needed(manifests))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_world_is_reached_by_those_who_speak_to_it_and_never_this_network(overlay: str) -> None:
    """Webhooks go where merchants wish: not even a mistake in the code leads to an address in here."""
    manifests = rendered(overlay)
    elsewhere = {5432, 4222} if overlay.endswith("external") else set()
    for pod in (one for one in inhabitants(manifests) if one.name != "postgres"):
        reached = {port for port in (*PORTS, 25, 80, 465, 587) for to in OUTSIDE if may(manifests, pod, to, port)}
        assert reached == WORLD.get(pod.name, set()), pod.name
        inside = {port for port in (*PORTS, 80, 465, 587) for to in INSIDE if may(manifests, pod, to, port)}
        assert inside <= elsewhere, pod.name


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_from_other_namespaces_come_browsers_and_prometheus_alone(overlay: str) -> None:
    manifests = rendered(overlay)
    for pod in inhabitants(manifests):
        assert may(manifests, pod, DNS, 53), pod.name
        assert not any(may(manifests, STRANGER, pod, port) for port in PORTS), pod.name
        assert {port for port in PORTS if may(manifests, INGRESS, pod, port)} == (
            {8000} if pod.name == "gateway" else set()
        )
        if pod.name in reads():
            assert {port for port in PORTS if may(manifests, PROMETHEUS, pod, port)} == {9464}


@pytest.mark.parametrize("name", ["calls-orders", "orders-is-called", "reaches-nats", "nats", "postgres"])
def test_a_policy_that_is_missing_is_noticed(name: str) -> None:
    manifests = rendered("production")
    manifests.remove(of_kind(manifests, "NetworkPolicy")[name])
    assert set(allowed(manifests)) != set(needed(manifests))


def test_only_the_policy_for_all_keeps_a_pod_of_tomorrow_closed() -> None:
    manifests, tomorrow = rendered("production"), Pod("tomorrow", {})
    assert not may(manifests, STRANGER, tomorrow, 8000)
    assert not may(manifests, tomorrow, OUTSIDE[0], 443)
    manifests.remove(of_kind(manifests, "NetworkPolicy")["nobody"])
    assert may(manifests, STRANGER, tomorrow, 8000)
