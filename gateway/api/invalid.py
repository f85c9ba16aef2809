"""What pydantic finds wrong with a request, in our own reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from services.common.errors import InvalidInput, OnefoldError, StateConflict, Violation

_MOST = 20
_WHOLE_BODY = {"json_invalid", "json_type"}
_BY_TYPE: dict[str, tuple[str, dict[str, str]]] = {
    "missing": ("required", {}),
    "extra_forbidden": ("unknown_field", {}),
    "string_too_short": ("required", {}),
    "bool_parsing": ("wrong_type", {"expected": "boolean"}),
    "bool_type": ("wrong_type", {"expected": "boolean"}),
    "string_type": ("wrong_type", {"expected": "string"}),
    "string_unicode": ("wrong_type", {"expected": "string"}),
    "list_type": ("wrong_type", {"expected": "array"}),
    "model_type": ("wrong_type", {"expected": "object"}),
    "dict_type": ("wrong_type", {"expected": "object"}),
}
_BY_START = {"uuid_": "invalid_id", "datetime_": "invalid_date", "date_": "invalid_date", "timezone_": "invalid_date"}


def from_pydantic(error: ValidationError) -> OnefoldError:
    """InvalidInput with a violation for each field, or malformed_request when the body is no JSON object at all."""
    found = error.errors(include_url=False, include_input=False)[:_MOST]
    if any(e["type"] in _WHOLE_BODY or not e["loc"] for e in found):
        return StateConflict("malformed_request", "not a JSON object")
    return InvalidInput(*(_violation(e["loc"], e["type"], e.get("ctx", {})) for e in found))


def _violation(loc: tuple[int | str, ...], kind: str, ctx: Mapping[str, Any]) -> Violation:
    path = ""
    for part in loc:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return Violation(path, *_reason(str(loc[-1]), kind, ctx))


def _reason(name: str, kind: str, ctx: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    for start, reason in _BY_START.items():
        if kind.startswith(start):
            return reason, {}
    return (
        _BY_CONTEXT.get(kind, _number)(name, ctx)
        if kind in _BY_CONTEXT or kind.startswith("int_")
        else ("unknown_value", {})
    )


def _number(name: str, _: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    if name.endswith("_minor"):
        return "invalid_amount", {}
    return ("quantity_out_of_range" if name == "quantity" else "not_a_whole_number"), {}


def _too_small(name: str, ctx: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    if name.endswith("_minor"):
        return "negative_amount", {}
    if name == "quantity":
        return "quantity_out_of_range", {}
    return ("invalid_date", {}) if name.endswith("_at") else ("unknown_value", {"known": f"≥ {ctx.get('ge', '')}"})


def _too_large(name: str, ctx: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    if name.endswith("_minor"):
        return "amount_too_large", {}
    if name == "quantity":
        return "quantity_out_of_range", {}
    return ("invalid_date", {}) if name.endswith("_at") else ("too_large", {"largest": str(ctx.get("le", ""))})


_BY_CONTEXT: dict[str, Callable[[str, Mapping[str, Any]], tuple[str, dict[str, str]]]] = {
    "greater_than_equal": _too_small,
    "less_than_equal": _too_large,
    "literal_error": lambda _, ctx: ("unknown_value", {"known": str(ctx["expected"])}),
    "string_too_long": lambda _, ctx: ("too_long", {"longest": str(ctx["max_length"])}),
}
