"""A customer's past, gathered from the services and put in one order (F13), the same for REST and console.

Each service pages its own part; the page that is shown takes the newest of all. Its token says, for each part, which page of
that part comes next, and what was shown last: whatever is not older than that has been shown. A part that cannot be reached is
named as missing, and the others are shown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.clients import services
from onefold.common.v1.common_pb2 import PageRequest
from onefold.identity_merge.v1 import service_pb2 as identity
from onefold.membership.v1 import profiles_pb2 as profiles
from onefold.membership.v1 import service_pb2 as membership
from onefold.notification.v1 import service_pb2 as notification
from onefold.orders.v1 import service_pb2 as orders
from services.common.errors import InvalidInput, Unavailable

MOST_ACCOUNTS = 50
# A part whose newest pages have all been shown is read on no further than this for one page of the whole.
_MOST_PAGES = 10
PARTS = ("membership", "orders", "logins", "messages")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `kind` is a stable word; what does not concern it is empty."""

    at: Timestamp
    key: str
    kind: str
    actor: str = ""
    customer_id: str = ""
    text: str = ""
    points: int = 0
    reason: int = 0
    order_id: str = ""
    order_number: int = 0
    amount_minor: int = 0
    currency: str = ""
    merge_run_id: str = ""
    message_state: int = 0
    by_sms: bool = False

    @property
    def place(self) -> tuple[int, int, str]:
        """Where it stands among others."""
        return (self.at.seconds, self.at.nanos, self.key)


@dataclass(frozen=True, slots=True)
class Timeline:
    """Newest first. `missing` names the parts that could not be reached."""

    events: Sequence[Event]
    next_token: str = ""
    missing: Sequence[str] = ()


Fetch = Callable[[PageRequest], tuple[Sequence[Event], str]]


@dataclass(slots=True)
class _Part:
    """One service's part: what it has after the last page, and the token of the page in which each of these was found."""

    name: str
    fetch: Fetch
    token: str | None
    found: list[tuple[Event, str | None]] = field(default_factory=list)
    following: str | None = None

    def read(self, size: int, before: tuple[int, int, str] | None) -> None:
        """Reads until there are `size` events older than `before`, or no more. Raises Unavailable."""
        for _ in range(_MOST_PAGES):
            if self.token is None:
                return
            events, following = self.fetch(PageRequest(size=size, token=self.token))
            self.found += [(event, self.token) for event in events if before is None or event.place < before]
            self.following = following or None
            if len(self.found) >= size or not following:
                return
            self.token = following

    def left_at(self, shown: int) -> str | None:
        """The token to go on with when so many have been shown; None when nothing is left."""
        return self.found[shown][1] if shown < len(self.found) else self.following


def timeline(customer: membership.Customer, size: int, token: str = "") -> Timeline:
    """A page of the customer's past. Raises InvalidInput (invalid_page_token)."""
    before, tokens = _read(token)
    parts = [_Part(name, fetch, tokens.get(name, "")) for name, fetch in _fetches(customer)]
    missing = []
    for part in parts:
        try:
            part.read(size, before)
        except Unavailable:
            missing.append(part.name)
    gathered = [(event, part.name) for part in parts for event, _ in part.found]
    everything = sorted(gathered, key=lambda pair: pair[0].place, reverse=True)
    shown = everything[:size]
    left = {
        part.name: part.token if part.name in missing else part.left_at(sum(name == part.name for _, name in shown))
        for part in parts
    }
    more = shown and (len(everything) > size or any(left[p.name] is not None for p in parts if p.name not in missing))
    return Timeline([event for event, _ in shown], _write(shown[-1][0], left) if more else "", missing)


def _write(last: Event, left: dict[str, str | None]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps([*last.place, left])).decode()


def _read(token: str) -> tuple[tuple[int, int, str] | None, dict[str, str | None]]:
    if not token:
        return None, {}
    try:
        seconds, nanos, key, left = orjson.loads(base64.urlsafe_b64decode(token.encode()))
        return (int(seconds), int(nanos), str(key)), {str(k): None if v is None else str(v) for k, v in left.items()}
    except (ValueError, TypeError, AttributeError, binascii.Error):
        raise InvalidInput.of("page.token", "invalid_page_token") from None


def _fetches(customer: membership.Customer) -> Iterator[tuple[str, Fetch]]:
    accounts = [customer.customer_id, *(merged.customer_id for merged in customer.merged_accounts)][:MOST_ACCOUNTS]
    yield "membership", lambda page: _history(customer.customer_id, page)
    yield "orders", lambda page: _orders(customer.customer_id, page)
    yield "logins", lambda page: _logins(customer.customer_id)
    yield "messages", lambda page: _messages(accounts, page)


def _history(customer_id: str, page: PageRequest) -> tuple[Sequence[Event], str]:
    answer = services().profiles.list_history(profiles.ListHistoryRequest(customer_id=customer_id, page=page))
    events = [
        Event(
            at=entry.at,
            key=entry.entry_id,
            kind=entry.kind,
            actor=entry.actor,
            customer_id=entry.customer_id,
            text=entry.text,
            points=entry.points,
            reason=entry.reason,
            order_id=entry.order_id,
            merge_run_id=entry.merge_run_id,
        )
        for entry in answer.entries
    ]
    return events, answer.next_page_token


def _orders(customer_id: str, page: PageRequest) -> tuple[Sequence[Event], str]:
    answer = services().orders.list_changes(orders.ListOrderChangesRequest(customer_id=customer_id, page=page))
    events = [
        Event(
            at=change.at,
            key=f"{change.order_id}-{change.version:09}",
            kind=f"order_{change.change}",
            actor=change.actor,
            customer_id=customer_id,
            order_id=change.order_id,
            order_number=change.number,
            amount_minor=change.total_minor,
            currency=change.currency,
        )
        for change in answer.changes
    ]
    return events, answer.next_page_token


def _logins(customer_id: str) -> tuple[Sequence[Event], str]:
    answer = services().logins.list_methods(identity.ListLoginMethodsRequest(customer_id=customer_id))
    confirmed = [method for method in answer.login_methods if method.HasField("confirmed_at")]
    return [
        Event(
            at=method.confirmed_at,
            key=method.login_method_id,
            kind=f"login_confirmed_{method.kind}",
            customer_id=customer_id,
            text=method.value,
        )
        for method in confirmed
    ], ""


def _messages(accounts: Sequence[str], page: PageRequest) -> tuple[Sequence[Event], str]:
    request = notification.ListMessagesRequest(page=page, customer_ids=accounts)
    answer = services().notifications.list_messages(request)
    events = [
        Event(
            at=_time_of(message.message_id),
            key=message.message_id,
            kind=f"message_{message.kind}",
            customer_id=message.customer_id,
            text=message.recipient,
            order_id=message.order_id,
            message_state=message.state,
            by_sms=message.channel == "sms",
        )
        for message in answer.messages
    ]
    return events, answer.next_page_token


def _time_of(message_id: str) -> Timestamp:
    """By the id, for that is the order in which messages are listed: to the millisecond when it was written."""
    milliseconds = int(message_id.replace("-", "")[:12], 16)
    return Timestamp(seconds=milliseconds // 1_000, nanos=milliseconds % 1_000 * 1_000_000)
