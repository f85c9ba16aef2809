"""Phones and e-mails as they are compared: what a slip of the finger makes of them, and what is one mailbox however it is written."""

from __future__ import annotations

# Where dots in the name mean nothing.
_DOTLESS = ("@gmail.com", "@googlemail.com")


def holes(phone: str) -> tuple[str, ...]:
    """The number with each digit left out in turn. Two numbers share one of these when one digit is wrong, missing or too many,
    or two neighbours are swapped.
    """
    digits = phone.removeprefix("+")
    return tuple(dict.fromkeys(digits[:at] + digits[at + 1 :] for at in range(len(digits))))


def mailbox(email: str) -> str:
    """Where mail to the address goes: without a plus tag, nor dots that the provider overlooks."""
    local, _at, host = email.casefold().rpartition("@")
    local = local.partition("+")[0] or local
    if f"@{host}" in _DOTLESS:
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{host}"


def local_part(email: str) -> str:
    """What stands before the @ of the mailbox, without gaps."""
    return mailbox(email).rpartition("@")[0].replace(".", "").replace("_", "").replace("-", "")


def domain(email: str) -> str:
    """What stands behind the @."""
    return mailbox(email).rpartition("@")[2]
