"""The blueprint that all resources hang on, and what the document says of all of them."""

from __future__ import annotations

from typing import Any

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.security_scheme import SecurityScheme

from gateway.roles import for_document
from services.common.permissions import SCOPES

PREFIX = "/api/v1"
ABOUT = f"""Orders, customers and merges of one store.

- Every write takes an `Idempotency-Key`: the same key again gives the same answer and writes nothing; with another body it
  is refused.
- Money is whole minor units with an ISO 4217 currency. Times are RFC 3339 in UTC.
- **When to send again**: the connection was refused or closed before an answer, or the answer is 502, 503 or 504. Send the same
  request, with the same `Idempotency-Key`, after 0.1 s, then after twice as long each time up to 5 s, each time shortened at random by
  up to half, for at least a minute. Nothing is done twice. After 429 wait as long as `Retry-After` says. Every other answer is final.
- Lists are read page by page: send `next_page_token` back as `page_token` until it is null.
- Errors are problem documents (RFC 9457) with a stable `reason`; [all of them](/api/docs/problems). Sentences come in English
  or Traditional Chinese, by `Accept-Language`.

What an API key may do is in its scopes:

{for_document(SCOPES)}
"""
SECURITY: dict[str, SecurityScheme | dict[str, Any]] = {
    "key": {"type": "http", "scheme": "bearer", "description": "An API key (ofk_…), or a session token of staff."}
}
CSV: dict[str, Any] = {"description": "The list as CSV.", "content": {"text/csv": {"schema": {"type": "string"}}}}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_REFUSALS = {
    "400": "The request could not be read, or has no Idempotency-Key.",
    "401": "No API key, or one that is not valid.",
    "403": "The key has no scope for this.",
    "404": "There is no such thing in this store.",
    "409": "The state of things forbids it, or somebody else was faster.",
    "413": "The body is above 1 MiB.",
    "414": "The address with its query is above 8,190 bytes. This answer comes from before the API and is no problem document.",
    "415": "The body is not JSON.",
    "422": "Fields need mending, or the Idempotency-Key was used for another request. Nothing was written.",
    "429": "More requests than can be taken in a minute. `Retry-After` says when to go on; `RateLimit` what is left.",
    "500": "A defect on our side.",
    "503": "A service cannot be reached. The same request may be sent again.",
    "504": "It took too long. The same request may be sent again, with the same Idempotency-Key.",
}
# The one that the HTTP server gives by itself, as a page.
_FROM_SERVER = "414"


def _name(name: str, path: str, method: str) -> str:  # the signature is flask-openapi3's
    return name


blueprint = APIBlueprint(
    "api",
    __name__,
    url_prefix=PREFIX,
    abp_security=[{"key": []}],
    abp_responses={
        code: {"description": text} | ({} if code == _FROM_SERVER else {"content": _PROBLEM})
        for code, text in _REFUSALS.items()
    },
    operation_id_callback=_name,
)
