"""What the local catcher holds of mails and SMS: the newest to an address or a number (E.164), the code in it, the way it leads."""

from __future__ import annotations

import re
from typing import Any

import httpx

from deploy.local.stack import Stack
from tests.support.until import until

# A mail has the code on a line of its own; an SMS begins with it.
_CODE = re.compile(r"^(\d{6})(?:$| )", re.MULTILINE)
_LINK = re.compile(r"https?://\S+")


def messages(stack: Stack, to: str) -> list[dict[str, Any]]:
    """Mails or SMS to somebody, newest first; each has `subject`, `text`, `channel` (email or sms)."""
    answer = httpx.get(f"{stack.settings.mail_url}/api/messages", params={"to": to}, trust_env=False)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["messages"]
    return found


def code_for(stack: Stack, to: str, *, seen: int = 0, seconds: float = 60) -> str:
    """Waits for a message beyond the `seen` ones and gives the newest code."""

    def newest() -> str:
        found = messages(stack, to)
        codes = [code[1] for message in found if (code := _CODE.search(message["text"]))]
        return codes[0] if len(found) > seen and codes else ""

    return until(newest, f"a code comes to {to}", seconds)


def link_for(stack: Stack, to: str, path: str, *, seconds: float = 60) -> str:
    """Waits for a message with a link whose path holds `path`, and gives the newest such link."""

    def newest() -> str:
        links = [link for message in messages(stack, to) for link in _LINK.findall(message["text"]) if path in link]
        return links[0] if links else ""

    return until(newest, f"a link to {path} comes to {to}", seconds)
