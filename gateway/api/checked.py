"""What is the same for every resource: who may, what came in, and JSON out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from inspect import cleandoc
from typing import Any, get_origin, get_type_hints

import orjson
from flask import Response, request
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from gateway.api.fields import IdempotencyHeader, Json
from gateway.api.invalid import from_pydantic
from gateway.auth import requires
from services.common.channel import LONGEST_KEY
from services.common.errors import InvalidInput
from services.common.permissions import SCOPES

# gRPC carries the key in metadata, which takes visible ASCII only.
_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST_KEY}}}")
View = Callable[..., Any]


def answer(body: Json, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer."""
    return Response(orjson.dumps(body), status, headers, mimetype="application/json")


def created(body: Json, location: str, status: int = 201) -> Response:
    """An answer that says where the new thing is."""
    return answer(body, status, {"Location": location})


def checked(permission: str = "") -> Callable[[View], View]:
    """Checks the permission, then reads what the view's parameters ask for by name.

    `body`, `query` and `path` get an instance of the model they are annotated with, `raw` nothing; `header: IdempotencyHeader`
    makes the Idempotency-Key compulsory. The same annotations make the OpenAPI document; flask-openapi3's own reading is passed by, because
    it makes a JSON schema anew for every request.
    """

    def decorate(view: View) -> View:
        readers = [_reader(name, model) for name, model in get_type_hints(view).items() if name != "return"]

        @wraps(view)
        def run(**path: str) -> Any:
            arguments: dict[str, Any] = {}
            try:
                for read in readers:
                    read(path, arguments)
            except ValidationError as error:
                raise from_pydantic(error) from error
            return view(**arguments)

        guarded = requires(permission)(run)
        guarded.__doc__ = _documented(view.__doc__ or "", permission)
        guarded.__delay_validate_request__ = True  # type: ignore[attr-defined]
        return guarded

    return decorate


def _documented(said: str, permission: str) -> str:
    """With the permission that the view asks for, where it asks for one: the document is made of it."""
    if not permission:
        return said
    who = "" if permission in SCOPES else ", which no API key can have"
    return f"{cleandoc(said)}\n\nNeeds `{permission}`{who}."


def _reader(name: str, model: type[BaseModel]) -> Callable[[Mapping[str, str], dict[str, Any]], None]:
    if name == "header":
        return lambda _, found: found.update(header=_idempotency())
    if name == "body":
        return lambda _, found: found.update(body=model.model_validate_json(_json_body()))
    if name == "raw":  # the view reads the request itself; the document needs to know
        return lambda _, found: found.update(raw=None)
    if name == "query":
        repeated = {field for field, info in model.model_fields.items() if get_origin(info.annotation) is list}
        return lambda _, found: found.update(query=model.model_validate(_query(repeated)))
    return lambda path, found: found.update(path=model.model_validate(path))


def _idempotency() -> IdempotencyHeader:
    key = request.headers.get("Idempotency-Key", "")
    if not _KEY.fullmatch(key):
        raise InvalidInput.of("Idempotency-Key", "idempotency_key_required", longest=str(LONGEST_KEY))
    return IdempotencyHeader.model_construct(idempotency_key=key)


def _json_body() -> bytes:
    if request.mimetype not in ("application/json", ""):
        raise UnsupportedMediaType
    return request.get_data(cache=False)


def _query(repeated: set[str]) -> dict[str, str | list[str]]:
    return {name: values if name in repeated else values[-1] for name, values in request.args.lists()}
