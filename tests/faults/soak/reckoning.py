"""After the storm: whether what the clients were told is what the databases hold, and everything came to rest."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import httpx

from deploy.audit.__main__ import audit
from deploy.audit.events import pending, readers
from deploy.audit.joins import Databases
from deploy.audit.verdict import Verdict
from deploy.local.provision import run_sync
from deploy.local.state import CONTEXTS
from deploy.reconcile import reconcile
from tests.faults.client import Shop
from tests.faults.soak.effects import differences
from tests.faults.soak.history import OK, UNKNOWN, History, Operation
from tests.faults.soak.injector import Injector
from tests.faults.system import System

_SETTLE_SECONDS, _RETRY_SECONDS = 180.0, 90.0
# Asked for once more at the end, with the key that they had.
_AGAIN = 40
_LONGEST = 5
_UNPUBLISHED = "SELECT count(*) FROM outbox WHERE published_at IS NULL"


class Listener:
    """A merchant's own program, which is told of orders and members."""

    def __init__(self, shop: Shop) -> None:
        told = self.told = Counter[str]()

        class Program(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                told[str(self.headers["webhook-id"])] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Program)
        threading.Thread(target=self._server.serve_forever, name="listener", daemon=True).start()
        # Orders before it listened.
        self.missed = len(shop.placed)
        url = f"http://127.0.0.1:{self._server.server_port}/"
        shop.api.sure("POST", "/webhooks", {"url": url, "event_types": ["order.placed", "member.enrolled"]})

    def close(self) -> None:
        """Hears nothing more."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Verdicts:
    """What was found; `wrong` holds a sentence for each thing that is not as it must be."""

    wrong: list[str] = field(default_factory=list)
    unknown: int = 0
    stood: int = 0
    settled_seconds: float = 0.0
    # What was on its way the longest, and until how many seconds after the end of all faults.
    waited_for: dict[str, float] = field(default_factory=dict)
    republished: int = 0
    invariants: list[Verdict] = field(default_factory=list)
    messages: dict[str, int] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)


def reckon(system: System, shop: Shop, history: History, injector: Injector, listener: Listener) -> Verdicts:
    """Everything runs again; nobody asks for anything any more."""
    verdicts, began = Verdicts(), time.monotonic()
    verdicts.republished = _reconcile(system)
    verdicts.wrong += _poison(system, injector)
    run_sync(_rest(system, verdicts, began))
    waiting = _audit(system, verdicts)
    verdicts.settled_seconds = time.monotonic() - began
    verdicts.wrong += [f"still on its way: {words}: {count}" for words, count in waiting.items()]
    verdicts.wrong += [
        f"before anybody asked again: {each}" for each in differences(system, shop.store_id, history.operations)
    ]
    verdicts.wrong += _ask_again(history, verdicts)
    verdicts.wrong += _same_answers(history)
    waiting = _audit(system, verdicts)
    verdicts.wrong += [f"still on its way at the end: {words}: {count}" for words, count in waiting.items()]
    verdicts.wrong += differences(system, shop.store_id, history.operations)
    verdicts.wrong += check_mails(system, shop)
    verdicts.wrong += _webhooks(system, shop, listener, verdicts)
    verdicts.wrong += [f"{v.letter}: {v.sentence}: {v.examples}" for v in verdicts.invariants if not v.holds]
    return verdicts


async def _rest(system: System, verdicts: Verdicts, began: float) -> None:
    """Waits until nothing is on its way, and notes what was until when."""
    urls = {context: urls.admin for context, urls in system.stack.settings.databases.items()}
    async with Databases.open(urls) as databases:
        deadline = time.monotonic() + _SETTLE_SECONDS
        while (waiting := await pending(databases)) and time.monotonic() < deadline:
            seconds = round(time.monotonic() - began, 1)
            verdicts.waited_for |= dict.fromkeys(waiting, seconds)
            await asyncio.sleep(0.5)
    verdicts.waited_for = dict(sorted(verdicts.waited_for.items(), key=lambda each: -each[1])[:_LONGEST])


def _audit(system: System, verdicts: Verdicts) -> dict[str, int]:
    urls = {context: urls.admin for context, urls in system.stack.settings.databases.items()}
    waiting, verdicts.invariants, verdicts.messages = run_sync(audit(urls, _SETTLE_SECONDS))
    return waiting


def _reconcile(system: System) -> int:
    """As an operator does after streams were lost, until nothing is unread; how many events were published again."""
    urls = {context: urls.worker for context, urls in system.stack.settings.databases.items()}
    again, deadline = 0, time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        if any(system.rows(context, _UNPUBLISHED) != [(0,)] for context in CONTEXTS):
            time.sleep(0.5)
            continue
        time.sleep(1)  # what was published a moment ago is about to be read
        unread = sum(found.unread for found in run_sync(reconcile(urls, 2.0)))
        if not unread:
            break
        again += unread
    return again


def _poison(system: System, injector: Injector) -> list[str]:
    """What nobody could read lies where a person finds it, at each of its readers; then it is taken away."""
    wrong = []
    for event_id, event_type, lost in injector.poison_told():
        for reader in {reader for (_, reader), types in readers().items() if event_type in types}:
            found = system.rows(reader, "DELETE FROM dead_letters WHERE event_id = $1 RETURNING 1", event_id)
            if not found and not lost:
                wrong.append(f"poison {event_type} {event_id} is not among the dead letters of {reader}")
    return wrong


def _ask_again(history: History, verdicts: Verdicts) -> list[str]:
    """A repeat with the same key converges: after it, everybody knows."""
    unknown = history.unknown()
    verdicts.unknown = len(unknown)
    deadline = time.monotonic() + _RETRY_SECONDS
    for operation in unknown:
        while operation.outcome == UNKNOWN and time.monotonic() < deadline:
            operation.attempt()
            if operation.outcome == UNKNOWN:
                time.sleep(0.2)
    verdicts.stood = sum(each.outcome == OK for each in unknown)
    return [f"nobody knows what became of {each.line()}" for each in unknown if each.outcome == UNKNOWN]


def _same_answers(history: History) -> list[str]:
    """Orders and payments that were taken long ago are not taken twice: the answer names the same (E7)."""
    taken = [each for each in history.operations if each.outcome == OK and each.flow in ("order", "payment", "sale")]
    return [
        f"another answer to the same key: {each.line()}"
        for each in taken[:: max(1, len(taken) // _AGAIN)]
        if not _answers_the_same(each)
    ]


def _answers_the_same(operation: Operation) -> bool:
    before = operation.document["order_id"]
    operation.attempt()
    return operation.outcome == OK and operation.document["order_id"] == before


def check_mails(system: System, shop: Shop) -> list[str]:
    """Each message that is called sent came once, none came twice (E)."""
    arrived: Counter[str] = Counter()
    address = f"{system.stack.settings.mail_url}/api/messages"
    params = {"limit": 1_000_000, "bodies": "no"}
    found = httpx.get(address, params=params, trust_env=False, timeout=60).raise_for_status().json()["messages"]
    for mail in found:
        arrived[mail["message_id"].strip("<>").partition("@")[0]] += 1
    # An SMS bears its provider's name, which is known of those that are called sent.
    query = "SELECT COALESCE(NULLIF(provider_id, ''), message_id::text), state FROM messages WHERE store_id = $1"
    # Cancelled: a confirmation that a merge has made needless. Of what failed, nothing was taken.
    allowed = {"sent": {1}, "unknown": {0, 1}, "cancelled": {0}, "failed": {0}}
    rows: Sequence[tuple[str, str]] = [
        (row[0], row[1]) for row in system.rows("notification", query, UUID(shop.store_id))
    ]
    return [
        f"message {message_id} is {state} and came {arrived[message_id]} times"
        for message_id, state in rows
        if arrived[message_id] not in allowed.get(state, ())
    ]


def _webhooks(system: System, shop: Shop, listener: Listener, verdicts: Verdicts) -> list[str]:
    """Each event has its one delivery, and what is called delivered was heard."""
    store_id = UUID(shop.store_id)
    query = "SELECT event_id::text, state FROM webhook_deliveries WHERE store_id = $1 AND type = 'order.placed'"
    rows = system.rows("notification", query, store_id)
    verdicts.webhooks = dict(Counter(state for _, state in rows)) | {"heard": sum(listener.told.values())}
    query = "SELECT count(*) FROM orders WHERE store_id = $1"
    [(orders,)] = system.rows("orders", query, store_id)
    orders -= listener.missed
    wrong = [f"{orders} orders, and deliveries of {len(rows)}"] if len(rows) != orders else []
    heard = listener.told
    return wrong + [
        f"webhook {event} was never heard" for event, state in rows if state == "delivered" and not heard[event]
    ]
