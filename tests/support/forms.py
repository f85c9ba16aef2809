"""What a test needs of a page to send its form."""

from __future__ import annotations

import re

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


def csrf_token(page: str) -> str:
    """The token of the page's first form."""
    found = _TOKEN.search(page)
    assert found, "the page has no form"
    return found[1]
