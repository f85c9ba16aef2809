"""Which variables each process reads, as JSON: each is started in an environment that notes what is asked for, and ended before its loops.

Run in a process of its own: `python -m tests.support.variables`.
"""

from __future__ import annotations

import asyncio
import json
import os
import runpy
import sys
import tempfile
from collections import UserDict
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from deploy.local.ports import choose
from deploy.local.process import ROOT
from deploy.local.settings import PORTS, Settings
from deploy.local.state import CONTEXTS, DatabaseUrls, DataFolder
from services.common import service
from services.common.config import Environment
from services.common.provision import KINDS

COMMANDS = ("serve", "work", "provision", "migrate")
# Of a server that refuses: whatever would speak to the database ends there, and has read all it needs.
_NOWHERE = "postgresql://role:word@127.0.0.1:9/shop"
_OURS = ("ONEFOLD_", "OTEL_EXPORTER_")


class Noting(UserDict[str, str]):
    """An environment that notes the names that it is asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.read: set[str] = set()
        self.required: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return self.data.get(name, default)

    def _note(self, name: str) -> None:
        if name.startswith(_OURS):
            self.read.add(name)


async def _no_loops(_: asyncio.Event, *loops: Coroutine[Any, Any, None]) -> None:
    for loop in loops:
        loop.close()


def _required(text: Callable[..., str]) -> Callable[..., str]:
    """Environment.text, noting what has no default."""

    def note(self: Environment, name: str, default: str | None = None) -> str:
        if default is None and isinstance(os.environ, Noting):
            os.environ.required.add(f"ONEFOLD_{name}")
        return text(self, name, default)

    return note


def _of(values: Mapping[str, str], run: Callable[[], object]) -> dict[str, list[str]]:
    noting = Noting({**os.environ, **values})
    with patch.object(os, "environ", noting), suppress(OSError, SystemExit):
        run()
    return {"read": sorted(noting.read), "required": sorted(noting.required)}


def _service(context: str, command: str) -> Callable[[], object]:
    def run() -> object:
        sys.argv = ["main.py", command]
        return runpy.run_module(f"services.{context}.main", run_name="__main__")

    return run


def _gateway() -> None:
    settings = runpy.run_path(str(ROOT / "gateway" / "gunicorn.conf.py"))
    settings["on_starting"](None)
    runpy.run_module("gateway.app")["create_app"]()


def processes(settings: Settings) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Name, such as orders-serve, and what that process reads."""
    extra = {f"ONEFOLD_{kind.upper()}_DATABASE_URL": _NOWHERE for kind in ("admin", *KINDS)}
    for context in CONTEXTS:
        for command in COMMANDS:
            values = settings.service(context, "migrate" if command == "provision" else command) | extra
            yield f"{context.replace('_', '-')}-{command}", _of(values, _service(context, command))
    # A child of the worker, with its environment.
    yield "identity-merge-scan", _of(settings.service("identity_merge", "work"), _service("identity_merge", "scan"))
    yield "gateway", _of(settings.gateway(), _gateway)


def main() -> None:
    """Prints {process: {"read": […], "required": […]}}."""
    service.until = _no_loops
    Environment.text = _required(Environment.text)  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data=DataFolder(Path(folder)),
            ports=choose(PORTS, {}),
            databases={context: DatabaseUrls(_NOWHERE, _NOWHERE, _NOWHERE, _NOWHERE) for context in CONTEXTS},
            nats_url="nats://127.0.0.1:9",
        )
        sys.stdout.write(json.dumps(dict(processes(settings))))


if __name__ == "__main__":
    main()
