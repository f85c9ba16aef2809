"""Twilio's Messages API, as far as sending an SMS goes: the SMS stays in the mailbox."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from deploy.local.mail.mailbox import Mailbox

_PATH = re.compile(r"/2010-04-01/Accounts/(AC\w{1,64})/Messages\.json")
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST_TEXT = 1_600
# Numbers that Twilio's own test accounts refuse, so that failures can be seen and tested.
_REFUSED = {"+15005550001": (21211, "is not a valid phone number"), "+15005550009": (21614, "is not a mobile number")}

# Numbers of which the provider says later that the SMS did not arrive: 30003 unreachable, 30006 no mobile phone.
_UNDELIVERED = {"+15005550003": 30003, "+15005550006": 30006}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and JSON."""

    status: HTTPStatus
    body: dict[str, Any]


def create(mailbox: Mailbox, path: str, authorization: str, form: Mapping[str, str]) -> Answer:
    """Takes an SMS, or says in Twilio's words why not."""
    match = _PATH.fullmatch(path)
    if match is None:
        return _error(HTTPStatus.NOT_FOUND, 20404, f"The requested resource {path} was not found")
    if not _authorized(authorization, match[1]):
        return _error(HTTPStatus.UNAUTHORIZED, 20003, "Authenticate")
    recipient, text = form.get("To", ""), form.get("Body", "")
    sender = form.get("From") or form.get("MessagingServiceSid", "")
    if recipient in _REFUSED or not _NUMBER.fullmatch(recipient):
        code, why = _REFUSED.get(recipient, _REFUSED["+15005550001"])
        return _error(HTTPStatus.BAD_REQUEST, code, f"The 'To' number {recipient} {why}")
    if not sender:
        return _error(HTTPStatus.BAD_REQUEST, 21603, "A 'From' phone number is required.")
    if not 0 < len(text) <= _LONGEST_TEXT:
        return _error(HTTPStatus.BAD_REQUEST, 21602, "Message body is required, of at most 1600 characters.")
    entry = mailbox.add_sms(sender, recipient, text, f"SM{secrets.token_hex(16)}")
    if url := form.get("StatusCallback"):
        outcome = _UNDELIVERED.get(recipient, 0)
        _tell_later(
            url, base64.b64decode(authorization.partition(" ")[2]).partition(b":")[2], entry.message_id, outcome
        )
    body = {"sid": entry.message_id, "account_sid": match[1], "to": recipient, "from": sender, "body": text}
    return Answer(HTTPStatus.CREATED, body | {"status": "queued", "error_code": None, "error_message": None})


def _tell_later(url: str, token: bytes, sid: str, code: int) -> None:
    """Tells what became of the SMS, as Twilio does: out of turn with the answer, and signed."""
    threading.Thread(target=_tell, args=(url, token, sid, code), daemon=True).start()


def _tell(url: str, token: bytes, sid: str, code: int) -> None:
    end = {"MessageStatus": "undelivered", "ErrorCode": str(code)} if code else {"MessageStatus": "delivered"}
    for told in ({"MessageStatus": "sent"}, end):
        form = {"MessageSid": sid, "SmsSid": sid} | told
        signed = url + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.digest(token, signed.encode(), "sha1")).decode()
        # Nobody may be there (any more); Twilio asks once, too.
        with contextlib.suppress(httpx.HTTPError):
            httpx.post(url, data=form, headers={"X-Twilio-Signature": signature}, timeout=5, trust_env=False)


def _authorized(authorization: str, account: str) -> bool:
    scheme, _, encoded = authorization.partition(" ")
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme == "Basic" and user == account and bool(token)


def _error(status: HTTPStatus, code: int, message: str) -> Answer:
    return Answer(status, {"status": int(status), "code": code, "message": message, "more_info": ""})
