"""Prints all Secrets of a new deployment with values made up on the spot, for `kubectl apply -f -`: what README.md lists.

Needs nothing but Python. Keep what it prints where you keep secrets, and nowhere else: a second run prints other values.
"""

from __future__ import annotations

import argparse
import base64
import json
import secrets
import sys
from typing import Any

CONTEXTS = ("membership", "orders", "identity-merge", "notification")
NODES = ",".join(f"nats-{number}.nats:4222" for number in range(3))
SEALING = ("orders", "identity-merge", "notification")


def word() -> str:
    """192 random bits. It begins with a letter: NATS would read a number into one that begins with a digit."""
    return f"w{secrets.token_hex(24)}"


def secret(namespace: str, name: str, values: dict[str, str], kind: str = "Opaque") -> dict[str, Any]:
    """A Secret."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": values}


def sealing_keys() -> str:
    """One key; later ones are put before it."""
    return f"k1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


def all_secrets(options: argparse.Namespace) -> list[dict[str, Any]]:
    """In the order of README.md."""
    nats, admin = word(), word()
    server = options.postgres
    nodes = [f"nats://onefold:{nats}@{node}" for node in options.nats.split(",")]
    keys = {"service-key": word(), "identifier-key": word(), "nats-url": ",".join(nodes)}
    login = {
        "username": "onefold_admin",
        "password": admin,
        "url": f"postgresql://onefold_admin:{admin}@{server}/postgres",
    }
    found = [("onefold", keys), ("gateway", {"secret-key": word()})]
    for context in CONTEXTS:
        name = context.replace("-", "_")
        urls = {kind: f"postgresql://{name}_{kind}:{word()}@{server}/{name}" for kind in ("owner", "app", "worker")}
        values = {"app-url": urls["app"], "worker-url": urls["worker"]}
        if context in SEALING:
            values["sealing-keys"] = sealing_keys()
        if context == "notification":
            values["smtp-url"] = options.mail
        found += [(context, values), (f"{context}-owner", {"url": urls["owner"]})]
    found.append(("nats", {"password": nats, "route-password": word()}))
    made = [secret(options.namespace, name, values) for name, values in found]
    return [*made, secret(options.namespace, "postgres-admin", login, "kubernetes.io/basic-auth")]


def main() -> None:
    """Prints a List."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mail", required=True, help="the mail server: smtps://user:password@host or smtp://host:587")
    parser.add_argument("--namespace", default="onefold")
    parser.add_argument("--postgres", default="postgres-rw:5432", help="host and port of PostgreSQL's first node")
    parser.add_argument(
        "--nats", default=NODES, help="hosts and ports of all nodes of NATS; nats:4222 where there is one"
    )
    items = all_secrets(parser.parse_args())
    json.dump({"apiVersion": "v1", "kind": "List", "items": items}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
