"""What the provider knows: checkouts, payments, refunds, where notices go. One file, which outlives the process."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Json = dict[str, Any]
# Amounts that end so play what else can happen: a refund that fails, and one that takes a moment.
FAILING_CENTS, SLOW_CENTS = 13, 14


class Refused(Exception):
    """A request that Stripe would refuse; `code` is its word."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.status = code, status


class Book:
    """Objects by kind and id, as the API shows them; `account` in each is the API key that it belongs to."""

    def __init__(self, folder: Path, tell: Callable[[], None] = lambda: None) -> None:
        """`tell` is called when there is a notice to be sent."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "book.json"
        self._lock = threading.RLock()
        self._tell = tell
        kinds = ("sessions", "refunds", "endpoints", "answers", "notices")
        kept = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._kept: dict[str, dict[str, Json]] = {kind: kept.get(kind, {}) for kind in kinds}

    def _save(self) -> None:
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(self._kept))
        draft.replace(self._file)

    def once(self, account: str, key: str, asked: str, answer: Callable[[], Json]) -> Json:
        """One answer for each key, as Stripe has it. Raises Refused (idempotency_error)."""
        with self._lock:
            known = self._kept["answers"].get(f"{account} {key}")
            if known and known["asked"] != asked:
                raise Refused("idempotency_error")
            made: Json = known["answer"] if known else answer()
            if key and not known:
                self._kept["answers"][f"{account} {key}"] = {"asked": asked, "answer": made}
            self._save()
            return made

    # --- what the API makes ----------------------------------------------------------------------------------------

    def open_session(self, account: str, form: Mapping[str, str], url: Callable[[str], str]) -> Json:
        """A checkout. Raises Refused (parameter_missing)."""
        try:
            line = "line_items[0]"
            amount = int(form[f"{line}[quantity]"]) * int(form[f"{line}[price_data][unit_amount]"])
            wanted = {name: form[name] for name in ("success_url", "cancel_url", "client_reference_id")}
            currency, title = form[f"{line}[price_data][currency]"], form[f"{line}[price_data][product_data][name]"]
        except (KeyError, ValueError):
            raise Refused("parameter_missing") from None
        session_id = f"cs_test_{secrets.token_hex(12)}"
        session = {
            "id": session_id,
            "object": "checkout.session",
            "url": url(session_id),
            "amount_total": amount,
            "currency": currency,
            "title": title,
            "locale": form.get("locale", "auto"),
            "expires_at": int(form.get("expires_at") or time.time() + 86_400),
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "account": account,
            **wanted,
        }
        self._kept["sessions"][session_id] = session
        return session

    def add_endpoint(self, account: str, url: str) -> Json:
        """Where the account's notices go, and the secret that signs them; one for each address. Raises Refused."""
        if not url.startswith(("http://", "https://")):
            raise Refused("url_invalid")
        with self._lock:
            endpoint_id = f"we_{secrets.token_hex(8)}"
            endpoint = {
                "id": endpoint_id,
                "object": "webhook_endpoint",
                "url": url,
                "account": account,
                "secret": f"whsec_{secrets.token_hex(16)}",
            }
            same = [k for k, v in self._kept["endpoints"].items() if (v["account"], v["url"]) == (account, url)]
            for known in same:
                del self._kept["endpoints"][known]
            self._kept["endpoints"][endpoint_id] = endpoint
            self._save()
            return endpoint

    def refund(self, account: str, form: Mapping[str, str]) -> Json:
        """Money back. Raises Refused (resource_missing, charge_already_refunded, amount_too_large)."""
        paid = next((s for s in self._kept["sessions"].values() if s["payment_intent"] == form["payment_intent"]), None)
        if paid is None or paid["account"] != account:
            raise Refused("resource_missing", 404)
        left = paid["amount_total"] - sum(r["amount"] for r in self.refunds(account, form["payment_intent"]))
        amount = int(form.get("amount") or left)
        if amount > left:
            raise Refused("amount_too_large" if left else "charge_already_refunded")
        status = {FAILING_CENTS: "failed", SLOW_CENTS: "pending"}.get(amount % 100, "succeeded")
        refund = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": amount,
            "currency": paid["currency"],
            "payment_intent": form["payment_intent"],
            "status": status,
            "failure_reason": "insufficient_funds" if status == "failed" else None,
            "metadata": {"refund_id": form["metadata[refund_id]"]} if "metadata[refund_id]" in form else {},
            "account": account,
        }
        self._kept["refunds"][refund["id"]] = refund
        self._notify(account, "refund.failed" if status == "failed" else "refund.created", refund)
        if status == "pending":
            refund_later = refund | {"status": "succeeded"}
            self._kept["refunds"][refund["id"]] = refund_later
            self._notify(account, "refund.updated", refund_later, wait=1)
        return refund

    def refunds(self, account: str, payment: str) -> list[Json]:
        """Those of a payment that have not failed."""
        with self._lock:
            found = [
                r for r in self._kept["refunds"].values() if (r["account"], r["payment_intent"]) == (account, payment)
            ]
        return [refund for refund in found if refund["status"] != "failed"]

    # --- what the customer does ------------------------------------------------------------------------------------

    def session(self, session_id: str) -> Json | None:
        """A checkout by its id; over once its time is."""
        session = self._kept["sessions"].get(session_id)
        if session and session["status"] == "open" and session["expires_at"] < time.time():
            with self._lock:
                session["status"] = "expired"
                self._notify(session["account"], "checkout.session.expired", session)
                self._save()
        return session

    def pay(self, session: Json) -> None:
        """The customer pays; a second click pays nothing more."""
        with self._lock:
            if session["status"] != "open":
                return
            session.update(status="complete", payment_status="paid", payment_intent=f"pi_{secrets.token_hex(12)}")
            self._notify(session["account"], "checkout.session.completed", session)
            self._save()

    def decline(self, session: Json) -> None:
        """The customer's card is refused; the checkout stays open."""
        with self._lock:
            intent = {
                "id": f"pi_{secrets.token_hex(12)}",
                "object": "payment_intent",
                "status": "requires_payment_method",
            }
            self._notify(session["account"], "payment_intent.payment_failed", intent)
            self._save()

    # --- notices ---------------------------------------------------------------------------------------------------

    def _notify(self, account: str, kind: str, about: Mapping[str, Any], wait: float = 0) -> None:
        shown = {name: value for name, value in about.items() if name != "account"}
        event_id = f"evt_{secrets.token_hex(12)}"
        event = {
            "id": event_id,
            "object": "event",
            "type": kind,
            "created": int(time.time()),
            "data": {"object": shown},
        }
        body = json.dumps(event)
        for endpoint in list(self._kept["endpoints"].values()):
            if endpoint["account"] == account:
                notice = {"body": body, "endpoint": endpoint["id"], "due": time.time() + wait, "tries": 0}
                self._kept["notices"][f"{event_id} {endpoint['id']}"] = notice
        self._tell()

    def due(self) -> list[tuple[str, Json, Json]]:
        """(id, notice, endpoint) of what is to be sent now."""
        with self._lock:
            now = time.time()
            waiting = [(i, n, self._kept["endpoints"].get(n["endpoint"])) for i, n in self._kept["notices"].items()]
            return [(i, notice, endpoint) for i, notice, endpoint in waiting if endpoint and notice["due"] <= now]

    def next_due(self) -> float | None:
        """Seconds until something is to be sent; None when nothing waits. What has no address any more waits for nothing."""
        with self._lock:
            known = self._kept["endpoints"]
            times = [notice["due"] for notice in self._kept["notices"].values() if notice["endpoint"] in known]
        return max(0.0, min(times) - time.time()) if times else None

    def sent(self, notice_id: str, taken: bool, longest_pause: float) -> None:
        """A notice was taken, or is to be sent again after a pause that doubles."""
        with self._lock:
            notice = self._kept["notices"][notice_id]
            notice["tries"] += 1
            notice["due"] = time.time() + min(longest_pause, 0.5 * 2 ** min(notice["tries"], 10))
            if taken or notice["tries"] > 100:
                del self._kept["notices"][notice_id]
            self._save()
