"""The blueprint that all resources hang on, and what the document says of all of them."""

from __future__ import annotations

from flask_openapi3.blueprint import APIBlueprint

PREFIX = "/api/v1"
SECURITY = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (ofk_…), or a session token of staff."}
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS = {
    "400": "The request could not be read, or has no Idempotency-Key.",
    "401": "No API key, or one that is not valid.",
    "403": "The key has no scope for this.",
    "404": "There is no such thing in this store.",
    "409": "The state of things forbids it, or somebody else was faster.",
    "413": "The body is above 1 MiB.",
    "415": "The body is not JSON.",
    "422": "Fields need mending, or the Idempotency-Key was used for another request. Nothing was written.",
    "500": "A defect on our side.",
    "503": "A service cannot be reached. The same request may be sent again.",
    "504": "It took too long. The same request may be sent again, with the same Idempotency-Key.",
}


def _name(name: str, path: str, method: str) -> str:  # the signature is flask-openapi3's
    return name


blueprint = APIBlueprint(
    "api",
    __name__,
    url_prefix=PREFIX,
    abp_security=[{"key": []}],
    abp_responses={code: {"description": text, "content": _PROBLEM} for code, text in _REFUSALS.items()},
    operation_id_callback=_name,
)
