"""The API's own document, walked: bodies made of their schemas, with all objects and texts in them by their paths."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.app import create_app
from services.common.config import Environment
from tests.unit.gateway.conftest import SETTINGS

Json = Any
Path = tuple[str | int, ...]
_METHODS = ("get", "post", "put", "patch", "delete")
_BY_FORMAT = {
    "date-time": "2026-11-24T02:18:00Z",
    "date": "2027-03-31",
    "uri": "http://127.0.0.1:9/",
    "email": "a@mail.example",
}
_ID = "01a20b5b-d378-76b7-8dec-6f559c792cc1"


@dataclass(frozen=True)
class Operation:
    """One method of one path; `body` is the schema of its JSON, if it takes any, `queries` what its query may have."""

    method: str
    path: str
    queries: tuple[str, ...]
    body: Json | None
    schemas: dict[str, Json]

    def __str__(self) -> str:
        return f"{self.method.upper()} {self.path.removeprefix('/api/v1')}"

    def at(self, **ids: str) -> str:
        """Its address; ids that are not named are of nobody."""
        path = self.path
        for name in [part[1:-1] for part in path.split("/") if part.startswith("{")]:
            path = path.replace(f"{{{name}}}", ids.get(name, _ID))
        return path

    def sample(self) -> Json:
        """A body with every field that there is."""
        return self._made(self.body, ())

    def _made(self, schema: Json, inside: tuple[str, ...]) -> Json:
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name:
            return {} if name in inside else self._made(self.schemas[name], (*inside, name))
        if choices := [each for kind in ("anyOf", "oneOf", "allOf") for each in schema.get(kind, [])]:
            return self._made(next(each for each in choices if each.get("type") != "null"), inside)
        if "const" in schema or "enum" in schema:
            return schema.get("const", (schema.get("enum") or [None])[-1])
        kind = schema.get("type", "object")
        if kind == "object":
            return {field: self._made(each, inside) for field, each in schema.get("properties", {}).items()}
        if kind == "array":
            return [self._made(schema.get("items", {"type": "string"}), inside)]
        if kind == "string":
            return (
                _ID
                if schema.get("format") == "uuid"
                else _BY_FORMAT.get(schema.get("format", ""), (schema.get("examples") or ["x"])[0])
            )
        return {"boolean": True, "integer": max(schema.get("minimum", 1), 1), "number": 1}[kind]


def operations() -> list[Operation]:
    """All that the gateway serves; a new route is among them by itself."""
    document = create_app(Environment(SETTINGS)).test_client().get("/api/v1/openapi.json").get_json()
    found = []
    for path, methods in document["paths"].items():
        for method, each in methods.items():
            if method in _METHODS:
                content = each.get("requestBody", {}).get("content", {})
                body = content.get("application/json", {}).get("schema")
                queries = tuple(one["name"] for one in each.get("parameters", []) if one["in"] == "query")
                found.append(Operation(method, path, queries, body, document["components"]["schemas"]))
    return found


def objects(value: Json, path: Path = ()) -> Iterator[Path]:
    """Where there are objects in a body."""
    if isinstance(value, dict):
        yield path
        for name, each in value.items():
            yield from objects(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from objects(each, (*path, number))


def texts(value: Json, path: Path = ()) -> Iterator[Path]:
    """Where there are texts."""
    if isinstance(value, str):
        yield path
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from texts(each, (*path, name))


def put(body: Json, path: Path, value: Json) -> Json:
    """The body with another value at the path."""
    if not path:
        return value
    body = copy.deepcopy(body)
    place = body
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    return body


def named(path: Path) -> str:
    """As problems name a field: lines[0].title"""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")
