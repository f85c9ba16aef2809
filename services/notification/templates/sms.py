"""Text as phones have it: every 160 letters of GSM 03.38, or 70 of any others, are one SMS to pay for."""

from __future__ import annotations

from services.notification.domain import one_line

LONGEST_NAME = 24
# What looks the same to a reader, but would make every SMS with it one of 70 letters.
_TYPEWRITTEN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


def typewritten(text: str) -> str:
    """The text with typographic marks as a typewriter writes them."""
    return text.translate(_TYPEWRITTEN)


def short(name: str) -> str:
    """A store's name on one line, cut to what an SMS has room for."""
    line = one_line(name)
    return line if len(line) <= LONGEST_NAME else f"{line[: LONGEST_NAME - 3].rstrip()}..."
