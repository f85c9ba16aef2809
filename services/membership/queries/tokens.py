"""Parts of page tokens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from services.common.errors import InvalidInput


def token_time(part: object) -> datetime:
    """A moment, with its zone: one without would be taken for another moment. Raises InvalidInput (invalid_page_token)."""
    try:
        at = datetime.fromisoformat(str(part))
    except ValueError:
        raise InvalidInput.of("page.token", "invalid_page_token") from None
    if at.tzinfo is None:
        raise InvalidInput.of("page.token", "invalid_page_token")
    return at


def token_id(part: object) -> UUID:
    """An id. Raises InvalidInput (invalid_page_token)."""
    try:
        return UUID(str(part))
    except ValueError:
        raise InvalidInput.of("page.token", "invalid_page_token") from None
