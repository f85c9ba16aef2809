"""A store whose customers pay at the test provider, which runs here; its notices are brought by hand, in any order."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID

from deploy.local.payments.book import Book
from deploy.local.payments.web import pages
from deploy.local.ports import LOOPBACK
from services.common import clock
from services.common.database import Database
from services.common.ids import new_id
from services.common.sealing import Sealer
from services.common.tokens import ServiceClaims
from services.orders import commands, queries
from services.orders.clients import Providers, StripeClient
from services.orders.clients.http import Http
from services.orders.domain import NoticeState, Order, Provider, ProviderKind, ProviderWish, sign
from services.orders.queries import payments
from tests.integration.orders.people import DRAFT, create
from tests.support.calls import claims, once

KEY, SECRET = "sk_test_till", "whsec_till"
SEALER = Sealer({"k1": b"1" * 32})
UNPAID = replace(DRAFT, paid=False)
BACK = "https://shop.example/s/tea/orders/token"


@dataclass
class Till:
    """One store's way to the provider."""

    context: commands.Context
    book: Book
    url: str
    who: ServiceClaims = field(default_factory=claims)
    provider_id: UUID = field(default_factory=new_id)

    @property
    def database(self) -> Database:
        return self.context.database

    async def set_up(self, **wishes: Any) -> Provider:
        wish = ProviderWish(ProviderKind.TEST, "Card", True, KEY, SECRET)
        provider = await commands.set_provider(self.context, self.who, once(self.who), replace(wish, **wishes))
        self.provider_id = provider.provider_id
        return provider

    async def unpaid(self, **wishes: Any) -> Order:
        return await create(self.context, self.who, replace(UNPAID, **wishes))

    async def read(self, order: Order) -> Order:
        return await queries.get_order(self.database, self.who, order.order_id)

    async def paid(self, order: Order) -> Order:
        """The order, paid at the provider's page, the notice brought."""
        checkout, _ = await commands.start_checkout(self.context, self.who, order.order_id, BACK)
        session = self.book.session(checkout.session)
        assert session
        self.book.pay(session)
        assert (
            await self.tell(checkout_event(order, session=session["id"], intent=session["payment_intent"])) == "APPLIED"
        )
        return await self.read(order)

    async def tell(self, event: dict[str, Any], *, secret: str = SECRET, provider_id: UUID | None = None) -> str:
        """Brings a notice; what became of it."""
        body = json.dumps(event).encode()
        signed = sign(body, secret, clock.now())
        state = (await commands.receive_notice(self.context, provider_id or self.provider_id, body, signed))[1]
        return NoticeState(state).name

    async def to_look_at(self) -> list[str]:
        """Why notices need a look, oldest first."""
        page = await payments.list_notices(self.database, self.who, 0, "", None)
        return [notice.reason for notice in reversed(page.items)]


def checkout_event(
    order: Order | None = None, kind: str = "completed", *, session: str = "cs_1", intent: str = "pi_1", **change: Any
) -> dict[str, Any]:
    """What Stripe sends about a checkout of the order; `change` alters what stands in it."""
    about = {
        "id": session,
        "object": "checkout.session",
        "payment_status": "paid",
        "client_reference_id": str(order.order_id) if order else None,
        "amount_total": order.total if order else 100,
        "currency": "hkd",
        "payment_intent": intent,
        **change,
    }
    return {"id": f"evt_{new_id()}", "type": f"checkout.session.{kind}", "data": {"object": about}}


def refund_event(
    intent: str, amount: int, status: str = "succeeded", refund_id: Any = None, **change: Any
) -> dict[str, Any]:
    """What Stripe sends about a refund; one that was asked for from here names it."""
    about = {
        "id": "re_1",
        "object": "refund",
        "amount": amount,
        "currency": "hkd",
        "status": status,
        "payment_intent": intent,
        "metadata": {"refund_id": str(refund_id)} if refund_id else {},
        **change,
    }
    return {"id": f"evt_{new_id()}", "type": "refund.updated", "data": {"object": about}}


@asynccontextmanager
async def open_till(context: commands.Context, folder: Path) -> AsyncIterator[Till]:
    """The provider on a port, and a store that has it set up."""
    book = Book(folder)
    server = ThreadingHTTPServer((LOOPBACK, 0), pages(book))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    url = f"http://{LOOPBACK}:{server.server_address[1]}"
    providers = Providers({ProviderKind.TEST: StripeClient(Http(url))}, SEALER)
    till = Till(replace(context, providers=providers), book, url)
    await till.set_up()
    yield till
    server.shutdown()
    server.server_close()
