"""What ops apply is what Kubernetes understands, and no pod may more than "restricted" lets it (H6)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.architecture.kubernetes.custom import SCHEMAS
from tests.architecture.kubernetes.manifests import OVERLAYS, Manifest, of_kind, pods, rendered

VERSIONS = sorted({utils.major_minor(one) for one in utils.all_versions()}, key=utils.Version)[-4:]
# Kinds of volumes that the Pod Security Standards allow at "restricted".
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
HOSTS = ("hostNetwork", "hostPID", "hostIPC", "hostUsers")


@pytest.fixture(autouse=True, scope="module")
def schemas_are_read_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


def mistake(manifest: Manifest, version: str) -> str:
    """What is wrong with a manifest; empty if nothing is."""
    try:
        if schema := SCHEMAS.get((manifest["apiVersion"], manifest["kind"])):
            jsonschema.validate(manifest["spec"], schema)
        else:
            kubernetes_validate.validate(manifest, version, strict=True)
    except jsonschema.ValidationError as error:
        return f"{version} {manifest['kind']} {manifest['metadata']['name']}: {error.message}"
    return ""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_valid_in_the_four_newest_versions(overlay: str, version: str) -> None:
    assert [text for one in rendered(overlay) if (text := mistake(one, version))] == []


def test_a_mistake_in_a_manifest_is_found() -> None:
    manifests = rendered("production")
    deployment, cluster = of_kind(manifests, "Deployment")["orders-serve"], of_kind(manifests, "Cluster")["postgres"]
    deployment["spec"]["template"]["spec"]["containers"][0]["readinessprobe"] = {}
    cluster["spec"]["instance"] = 3
    assert "readinessprobe" in mistake(deployment, VERSIONS[-1])
    assert "instance" in mistake(cluster, VERSIONS[-1])


def unrestricted(template: Manifest) -> Iterator[str]:
    """What the Pod Security Standards forbid a pod at "restricted", and we beside that."""
    spec, security = template["spec"], template["spec"].get("securityContext", {})
    yield from (f"{key} is set" for key in (*HOSTS, "hostAliases") if spec.get(key))
    if security.get("runAsNonRoot") is not True or security.get("runAsUser") != 10001:
        yield "is not user 10001, who is not root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    if spec.get("automountServiceAccountToken") is not False or spec.get("serviceAccountName") in (None, "default"):
        yield "has a token of the API server, or the account of all"
    for volume in spec.get("volumes", []):
        yield from (f"has a volume of kind {kind}" for kind in volume.keys() - VOLUMES - {"name"})
    for container in (*spec["containers"], *spec.get("initContainers", [])):
        yield from (f"{container['name']} {fault}" for fault in _unrestricted_container(container))


def _unrestricted_container(container: Manifest) -> Iterator[str]:
    if container.get("securityContext") != {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }:
        yield "may more than it needs"
    if any("hostPort" in port for port in container.get("ports", [])):
        yield "has a port of the node"
    given: dict[str, Any] = container.get("resources", {})
    if not all({"cpu", "memory"} <= given.get(kind, {}).keys() for kind in ("requests", "limits")):
        yield "has no requests or limits"
    if not re.search(r":(?!latest$)[\w.-]+$", container["image"]):
        yield f"has an image without a version: {container['image']}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_pod_may_more_than_restricted_lets_it(overlay: str) -> None:
    manifests = rendered(overlay)
    assert {name: faults for name, pod in pods(manifests) if (faults := list(unrestricted(pod)))} == {}
    assert of_kind(manifests, "ServiceAccount").keys() >= {
        pod["spec"]["serviceAccountName"] for _, pod in pods(manifests)
    }
    homes = {one["metadata"].get("namespace") for one in manifests if one["kind"] != "Namespace"}
    assert homes == {"onefold"}, "in any other namespace neither policies nor standards hold"
    labels = of_kind(manifests, "Namespace")["onefold"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("hostNetwork",), True),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "seccompProfile"), None),
        (("automountServiceAccountToken",), True),
        (("volumes",), [{"name": "node", "hostPath": {"path": "/"}}]),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("containers", 0, "securityContext", "capabilities", "add"), ["NET_RAW"]),
        (("containers", 0, "resources", "limits"), {"cpu": "1"}),
        (("containers", 0, "image"), "onefold/orders:latest"),
    ],
    ids=str,
)
def test_a_pod_that_may_more_is_found(path: tuple[Any, ...], value: Any) -> None:
    place = template = of_kind(rendered("production"), "Deployment")["orders-serve"]["spec"]["template"]
    for step in ("spec", *path[:-1]):
        place = place[step]
    place[path[-1]] = value
    assert list(unrestricted(template))
