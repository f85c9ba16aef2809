"""Stripe's API as far as it is used here: Checkout Sessions, refunds, and notices of both. The local test provider speaks it, too."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.common.errors import InvalidInput, StateConflict, Unavailable
from services.orders.clients.http import Answer, Away, Http
from services.orders.clients.returned import Returned
from services.orders.domain import Checkout, GivingBack, NoticeKind, Order, RefundState, Told, is_signed

# The version whose words are read here, whatever an account's own is.
VERSION = "2024-06-20"
# A customer waits for the page.
START_SECONDS = 8.0
REFUND_SECONDS = 20.0
_TRY_SECONDS = 5.0
_PAUSE_SECONDS = 0.3
_LONGEST_TEXT = 255
_REFUND_STATES = {"succeeded": RefundState.DONE, "failed": RefundState.FAILED, "canceled": RefundState.FAILED}
_REFUND_TYPES = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
log = structlog.get_logger()


class StripeClient:
    """A PaymentClient in Stripe's scheme. Every POST has an idempotency key, so trying again is safe."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def start(self, api_key: str, checkout: Checkout, order: Order) -> tuple[str, str]:
        """A Checkout Session for the whole order in one line: our sums hold discounts that Stripe's would have to repeat."""
        mark = "&" if "?" in checkout.return_address else "?"
        form = {
            "mode": "payment",
            "client_reference_id": str(order.order_id),
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": order.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(checkout.amount),
            "line_items[0][price_data][product_data][name]": f"#{order.number}",
            "metadata[order_id]": str(order.order_id),
            "payment_intent_data[metadata][order_id]": str(order.order_id),
            "success_url": f"{checkout.return_address}{mark}payment=done",
            "cancel_url": f"{checkout.return_address}{mark}payment=cancelled",
            "expires_at": str(int(checkout.expires_at.timestamp())),
            "locale": "zh-HK" if order.language.startswith("zh") else order.language or "auto",
        }
        made = await self._call(
            "POST", "/v1/checkout/sessions", api_key, form, str(checkout.checkout_id), START_SECONDS
        )
        session, address = _text(made, "id"), _text(made, "url", 4_000)
        if not session or not address.startswith(("https://", "http://")):
            raise StateConflict("provider_refused", "a checkout without an address")
        return session, address

    async def give_back(self, api_key: str, wish: GivingBack) -> Returned:
        """A refund. Before it is asked for again, it is looked for: keys are forgotten after a day, refunds are not."""
        refund = await self._find(api_key, wish) if wish.tries > 1 else None
        if refund is None:
            form = {
                "payment_intent": wish.payment,
                "amount": str(wish.amount),
                "metadata[refund_id]": str(wish.refund_id),
            }
            key = f"{wish.refund_id}-{wish.round}"
            refund = await self._call("POST", "/v1/refunds", api_key, form, key, REFUND_SECONDS)
        state = _REFUND_STATES.get(_text(refund, "status"), RefundState.PENDING)
        return Returned(state, _text(refund, "id"), _text(refund, "failure_reason"))

    async def _find(self, api_key: str, wish: GivingBack) -> Mapping[str, Any] | None:
        form = {"payment_intent": wish.payment, "limit": "100"}
        listed = await self._call("GET", "/v1/refunds", api_key, form, "", REFUND_SECONDS)
        for refund in listed.get("data", []):
            ours = isinstance(refund, dict) and _text(_dict(refund, "metadata"), "refund_id") == str(wish.refund_id)
            if ours and _REFUND_STATES.get(_text(refund, "status")) is not RefundState.FAILED:
                return dict(refund)
        return None

    async def test(self, api_key: str) -> None:
        """Reads the balance, which every key that can take money may."""
        await self._call("GET", "/v1/balance", api_key, {}, "", START_SECONDS)

    async def _call(
        self, method: str, path: str, api_key: str, form: Mapping[str, str], key: str, seconds: float
    ) -> Mapping[str, Any]:
        """The object that is answered; tries again while there is time, where a second try may do better."""
        headers = {
            "Authorization": "Basic " + base64.b64encode(f"{api_key}:".encode()).decode(),
            "Stripe-Version": VERSION,
            **({"Idempotency-Key": key} if key else {}),
        }
        deadline, pause, trouble = time.monotonic() + seconds, _PAUSE_SECONDS, ""
        while (left := deadline - time.monotonic()) > 0:
            try:
                answer = await self._http.send(method, path, headers, form, min(left, _TRY_SECONDS))
            except Away as error:
                trouble = str(error)
            else:
                if answer.status < 500 and answer.status not in (409, 429):
                    return _object(answer)
                trouble = str(answer.status)
            log.warning("provider_tried", path=path, trouble=trouble)
            await asyncio.sleep(pause)
            pause *= 2
        raise Unavailable("provider_unavailable", trouble)

    def read_notice(self, body: bytes, signature: str, secrets: Sequence[str], now: datetime) -> Told:
        """What a signed event says."""
        if not is_signed(body, signature, secrets, now):
            raise InvalidInput.of("signature", "signature_refused")
        try:
            event = json.loads(body)
        except ValueError:
            event = None
        if not isinstance(event, dict) or not _text(event, "id") or not _text(event, "type"):
            raise InvalidInput.of("body", "malformed_notice")
        about = _dict(_dict(event, "data"), "object")
        return _refund_told(event, about) if event["type"] in _REFUND_TYPES else _checkout_told(event, about)


def _object(answer: Answer) -> Mapping[str, Any]:
    """Raises StateConflict (provider_refused) with Stripe's word for the cause."""
    try:
        found = json.loads(answer.body)
    except ValueError:
        found = {}
    if not 200 <= answer.status < 300 or not isinstance(found, dict):
        error = _dict(found, "error") if isinstance(found, dict) else {}
        code = _text(error, "code") or _text(error, "type") or f"http_{answer.status}"
        raise StateConflict("provider_refused", code, code=code)
    return found


def _checkout_told(event: Mapping[str, Any], session: Mapping[str, Any]) -> Told:
    amount = session.get("amount_total")
    return Told(
        event_id=_text(event, "id"),
        type=_text(event, "type"),
        kind=_checkout_kind(_text(event, "type"), _text(session, "payment_status")),
        order_id=_id(_text(session, "client_reference_id")),
        session=_text(session, "id"),
        amount=amount if isinstance(amount, int) else 0,
        currency=_text(session, "currency").upper(),
        reference=_text(session, "payment_intent"),
    )


def _checkout_kind(type_: str, payment_status: str) -> NoticeKind:
    if type_ == "checkout.session.completed":
        return NoticeKind.PAID if payment_status == "paid" else NoticeKind.PENDING
    if type_ == "checkout.session.async_payment_succeeded":
        return NoticeKind.PAID
    ended = ("checkout.session.async_payment_failed", "checkout.session.expired")
    return NoticeKind.ENDED if type_ in ended else NoticeKind.OTHER


def _refund_told(event: Mapping[str, Any], refund: Mapping[str, Any]) -> Told:
    amount = refund.get("amount")
    state = _REFUND_STATES.get(_text(refund, "status"))
    kinds = {RefundState.DONE: NoticeKind.REFUNDED, RefundState.FAILED: NoticeKind.REFUND_FAILED}
    return Told(
        event_id=_text(event, "id"),
        type=_text(event, "type"),
        kind=kinds.get(state, NoticeKind.OTHER) if state else NoticeKind.OTHER,
        amount=amount if isinstance(amount, int) else 0,
        currency=_text(refund, "currency").upper(),
        reference=_text(refund, "payment_intent"),
        refund_id=_id(_text(_dict(refund, "metadata"), "refund_id")),
        refund_reference=_text(refund, "id"),
        failure=_text(refund, "failure_reason"),
    )


def _dict(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str, longest: int = _LONGEST_TEXT) -> str:
    """A text that PostgreSQL takes; empty where there is none."""
    found = value.get(name)
    return found.replace("\0", "")[:longest] if isinstance(found, str) else ""


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
