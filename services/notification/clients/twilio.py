"""SMS by Twilio's Messages API.

It has no idempotency key, and asks that a POST be not repeated after a 500: the SMS may be on its way. So only these say that it is not: a
connection that was never made, 429, 503, and any answer of the four hundreds. All else without a 2xx is Undecided.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import math
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import orjson

from services.common.config import ConfigError
from services.notification.clients.lanes import Away, Refused, Undecided
from services.notification.domain import Cause, Sms, of_twilio

NO_PROVIDER = "no SMS provider configured"
LARGEST_ANSWER = 64 * 1024
_FORM = "twilio://account:token@api.twilio.com?from=+85212345678 (or ?service=MG…, and &account=AC… with an API key)"
_SCHEMES = {"twilio": "https", "twilio+http": "http"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_OPTIONS = {"from", "service", "account", "signing"}
# Less than the time after which providers close idle connections, so that no request meets one that is being closed.
_IDLE_SECONDS = 5.0
_LONGEST_REST = 900.0
# About our number or service, for some destinations or all: an operator can mend it, and others' messages may well go through.
_MENDABLE = {21212, 21603, 21606, 21611, 21659, 21660, 21661, 21701, 21703, 21704, 21705}


@dataclass(frozen=True, slots=True)
class Twilio:
    """Where SMS go. `seconds` is the patience with one request, from the connection to the end of the answer."""

    address: str
    account: str
    username: str
    password: str = field(repr=False)
    sender: tuple[str, str]
    seconds: float
    # The account's auth token, by which Twilio signs its notices, whatever we ourselves log in by; "" where nobody has told it.
    signing: str = field(default="", repr=False)

    def has_signed(self, url: str, form: Sequence[tuple[str, str]], signature: str) -> bool:
        """Whether a notice is Twilio's: HMAC-SHA1 over its address and the form's values in the order of their names."""
        signed = url + "".join(name + value for name, value in sorted(set(form)))
        expected = base64.b64encode(hmac.digest(self.signing.encode(), signed.encode(), "sha1"))
        return bool(self.signing) and hmac.compare_digest(expected, signature.encode())

    def is_told(self, url: str) -> bool:
        """Whether notices can be asked for: they must be signed, and Twilio cannot reach a loopback, its stand-in here can."""
        return bool(self.signing) and (self.address.startswith("http:") or urlsplit(url).hostname not in _LOOPBACK)

    @property
    def longest_step(self) -> float:
        """Seconds; longer than any step between two commits can take."""
        return self.seconds * 3

    @classmethod
    def parse(cls, url: str, seconds: float) -> Twilio:
        """Reads the URL of ONEFOLD_SMS_URL. Raises ConfigError, which does not repeat it: it holds a secret."""
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme, "")
        options = _options(parts.query)
        username, password = unquote(parts.username or ""), unquote(parts.password or "")
        if not (scheme and parts.hostname and username and password) or ("from" in options) == ("service" in options):
            raise ConfigError(f"ONEFOLD_SMS_URL is not of the form {_FORM}")
        if scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ConfigError("ONEFOLD_SMS_URL would send its token in clear: twilio+http:// is for a loopback address")
        sender = ("From", options["from"]) if "from" in options else ("MessagingServiceSid", options["service"])
        address = f"{scheme}://{parts.netloc.rpartition('@')[2]}"
        signing = options.get("signing", "" if "account" in options else password)
        return cls(address, options.get("account", username), username, password, sender, seconds, signing)


class TwilioLane:
    """A lane of SMS, one request at a time over a connection that is kept."""

    def __init__(self, server: Twilio) -> None:
        self._server = server
        self._client: httpx.AsyncClient | None = None
        self._path = f"/2010-04-01/Accounts/{quote(server.account, safe='')}/Messages.json"

    async def open(self, sms: Sms) -> None:
        """HTTP has no step between connecting and asking."""
        if self._client is None:
            self._client = _client(self._server)

    async def transmit(self, sms: Sms) -> str:
        """The request and its answer; gives the message's SID."""
        if self._client is None:
            raise Away("the lane was closed")
        try:
            async with asyncio.timeout(self._server.seconds):
                status, headers, body = await self._ask(self._client, self._form(sms))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            await self.close()
            raise Away(f"cannot connect: {type(error).__name__}") from error
        except (httpx.HTTPError, TimeoutError, OSError) as error:
            await self.close()
            raise Undecided(f"no answer to the request: {type(error).__name__}") from error
        return _judge(status, headers, body)

    def _form(self, sms: Sms) -> dict[str, str]:
        form = {"To": sms.recipient, "Body": sms.text, self._server.sender[0]: self._server.sender[1]}
        if sms.status_url and self._server.is_told(sms.status_url):
            form["StatusCallback"] = sms.status_url
        return form | ({"ValidityPeriod": str(sms.good_for_seconds)} if sms.good_for_seconds else {})

    async def _ask(self, client: httpx.AsyncClient, form: dict[str, str]) -> tuple[int, httpx.Headers, dict[str, Any]]:
        async with client.stream("POST", self._path, data=form) as answer:
            try:
                return answer.status_code, answer.headers, _read(await _bounded(answer))
            except httpx.HTTPError:
                # The status came, and says what matters; without the rest the connection is of no more use.
                return answer.status_code, answer.headers, {}

    async def reset(self) -> None:
        """Nothing has begun."""

    async def close(self) -> None:
        """Ends the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class NoProvider:
    """The lane of an installation that has no SMS: each message ends at once, and says why."""

    async def open(self, _: Sms) -> None:
        """Raises Refused."""
        raise Refused(NO_PROVIDER, Cause.NO_PROVIDER, permanent=True)

    async def transmit(self, _: Sms) -> str:
        """Is never reached."""
        raise Refused(NO_PROVIDER, Cause.NO_PROVIDER, permanent=True)

    async def reset(self) -> None:
        """Nothing is held."""

    async def close(self) -> None:
        """Nothing is held."""


def _client(server: Twilio) -> httpx.AsyncClient:
    secure = server.address.startswith("https:")
    return httpx.AsyncClient(
        base_url=server.address,
        auth=(server.username, server.password),
        headers={"Accept": "application/json", "User-Agent": "Onefold"},
        # Less for the connection than in all: what is certain shall be known before the patience ends.
        timeout=httpx.Timeout(server.seconds, connect=server.seconds / 2),
        limits=httpx.Limits(max_connections=1, keepalive_expiry=_IDLE_SECONDS),
        verify=ssl.create_default_context() if secure else False,
        trust_env=False,
        follow_redirects=False,
    )


async def _bounded(answer: httpx.Response) -> bytes:
    """The body, or nothing of one that does not end."""
    body = b""
    async for piece in answer.aiter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            return b""
    return body


def _read(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _judge(status: int, headers: httpx.Headers, body: dict[str, Any]) -> str:
    if 200 <= status < 300:
        return str(body.get("sid") or "")[:64]
    code = body.get("code") if isinstance(body.get("code"), int) else 0
    text = " ".join(f"{status} {code or ''} {body.get('message') or ''}".split())
    if status in (429, 503):
        raise Away(text, _rest(headers))
    if status >= 500 or status < 300:
        raise Undecided(text)
    # 20xxx is about the account and its requests as such; an answer without a code is not of Twilio's making.
    if not code or code // 1000 == 20:
        raise Away(text)
    raise Refused(text, of_twilio(code), permanent=code not in _MENDABLE)


def _rest(headers: httpx.Headers) -> float:
    """Retry-After in seconds, as far as it makes sense; a date, which Twilio does not send, counts as nothing."""
    try:
        seconds = float(headers.get("retry-after", "0"))
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), _LONGEST_REST) if math.isfinite(seconds) else 0.0


def _options(query: str) -> dict[str, str]:
    """The query's values. "+" is a plus sign, as it stands before a number, and no space."""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    options = {name: unquote(value) for name, _, value in pairs}
    if unknown := options.keys() - _OPTIONS:
        raise ConfigError(f"ONEFOLD_SMS_URL has options that mean nothing: {', '.join(sorted(unknown))}")
    return options
