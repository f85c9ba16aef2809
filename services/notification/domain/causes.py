"""Why a message was not delivered, as far as the answers of mail servers and of the SMS provider tell: what people read, and act upon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum


class Cause(StrEnum):
    """One word for each thing that somebody would do something else about. The words are part of the contract."""

    NONE = ""
    # The address or the number: no other attempt will help.
    ADDRESS_UNKNOWN = "address_unknown"
    DOMAIN_UNKNOWN = "domain_unknown"
    MAILBOX_DISABLED = "mailbox_disabled"
    ADDRESS_UNSUPPORTED = "address_unsupported"
    NUMBER_UNKNOWN = "number_unknown"
    NOT_A_MOBILE = "not_a_mobile"
    OPTED_OUT = "opted_out"
    # The mailbox or the phone, as it is now.
    MAILBOX_FULL = "mailbox_full"
    UNREACHABLE = "unreachable"
    # What was said, or who said it.
    SPAM = "spam"
    TOO_LARGE = "too_large"
    COUNTRY_NOT_SERVED = "country_not_served"
    REFUSED = "refused"
    # The way there.
    SERVER_AWAY = "server_away"
    SERVER_BUSY = "server_busy"
    NO_PROVIDER = "no_provider"
    # Ours.
    UNWRITABLE = "unwritable"
    PART_AWAY = "part_away"
    FAULT = "fault"
    # Whether it arrived is not known.
    NO_ANSWER = "no_answer"
    SENDER_DIED = "sender_died"
    # Nobody needs it.
    NOT_NEEDED = "not_needed"
    UNSUBSCRIBED = "unsubscribed"
    HISTORY = "history"


# What says of an address that writing to it is of no use until somebody mends it.
BOUNCES = frozenset(
    {
        Cause.ADDRESS_UNKNOWN,
        Cause.DOMAIN_UNKNOWN,
        Cause.MAILBOX_DISABLED,
        Cause.ADDRESS_UNSUPPORTED,
        Cause.NUMBER_UNKNOWN,
        Cause.NOT_A_MOBILE,
        Cause.OPTED_OUT,
    }
)
# RFC 3463, subject and detail; 3886, 5248, 7505 and 6531 have added some.
_ENHANCED: Mapping[tuple[int, int], Cause] = {
    (1, 0): Cause.ADDRESS_UNKNOWN,
    (1, 1): Cause.ADDRESS_UNKNOWN,
    (1, 2): Cause.DOMAIN_UNKNOWN,
    (1, 3): Cause.ADDRESS_UNKNOWN,
    (1, 6): Cause.ADDRESS_UNKNOWN,
    (1, 10): Cause.DOMAIN_UNKNOWN,
    (2, 1): Cause.MAILBOX_DISABLED,
    (2, 2): Cause.MAILBOX_FULL,
    (2, 3): Cause.TOO_LARGE,
    (3, 4): Cause.TOO_LARGE,
    (4, 4): Cause.DOMAIN_UNKNOWN,
    (6, 7): Cause.ADDRESS_UNSUPPORTED,
}
_ENHANCED_CODE = re.compile(r"^\d{3}[ -]([45])\.(\d{1,3})\.(\d{1,3})\b")
_POLICY = 7
# Servers without codes of RFC 3463 have only these words; the first that fits.
_WORDS = (
    (re.compile(r"spam|junk|black ?list|block ?list|reputation|dmarc|spf|unsolicited", re.IGNORECASE), Cause.SPAM),
    (re.compile(r"quota|full|storage", re.IGNORECASE), Cause.MAILBOX_FULL),
    (
        re.compile(r"(user|recipient|mailbox|address|account).*(unknown|not (found|exist)|no longer)", re.IGNORECASE),
        Cause.ADDRESS_UNKNOWN,
    ),
    (
        re.compile(r"(no such|unknown|invalid) (user|recipient|mailbox|address)|does ?n.t exist", re.IGNORECASE),
        Cause.ADDRESS_UNKNOWN,
    ),
    (re.compile(r"disabled|inactive|suspended", re.IGNORECASE), Cause.MAILBOX_DISABLED),
    (re.compile(r"too (large|big)|size", re.IGNORECASE), Cause.TOO_LARGE),
)
# Twilio's codes: 21xxx come with the answer to the request, 30xxx later with the status of the message.
_TWILIO: Mapping[int, Cause] = {
    21211: Cause.NUMBER_UNKNOWN,
    21217: Cause.NUMBER_UNKNOWN,
    21265: Cause.NUMBER_UNKNOWN,
    21408: Cause.COUNTRY_NOT_SERVED,
    21610: Cause.OPTED_OUT,
    21612: Cause.UNREACHABLE,
    21614: Cause.NOT_A_MOBILE,
    21617: Cause.TOO_LARGE,
    30003: Cause.UNREACHABLE,
    30004: Cause.OPTED_OUT,
    30005: Cause.NUMBER_UNKNOWN,
    30006: Cause.NOT_A_MOBILE,
    30007: Cause.SPAM,
    30008: Cause.UNREACHABLE,
    30024: Cause.UNREACHABLE,
    30036: Cause.UNREACHABLE,
}


def of_smtp(answer: str) -> Cause:
    """Of an answer of the four or five hundreds, as it came: "550 5.1.1 No such user"."""
    code = _ENHANCED_CODE.match(answer)
    if code and (found := _ENHANCED.get((int(code[2]), int(code[3])))):
        return found
    if code and int(code[2]) == _POLICY and code[1] == "5":
        return Cause.SPAM
    for words, cause in _WORDS:
        if words.search(answer):
            return cause
    return Cause.SERVER_BUSY if answer.startswith("4") else Cause.REFUSED


def of_twilio(code: int) -> Cause:
    """Of an error code of Twilio's; 0 where it names none."""
    return _TWILIO.get(code, Cause.REFUSED)
