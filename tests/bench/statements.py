"""The services' own SQL as scripts for pgbench.

The statements are taken from the services, not copied: a service's function is called with a stand-in for its transaction
that only notes statement and values; what must differ between orders becomes an expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from deploy.local.provision import run_sync
from onefold.orders.v1 import service_pb2
from services.common import clock
from services.common.contact import Address, Contact
from services.common.database import Statement, Together
from services.common.database.statements import BIND
from services.common.idempotency import Once, fingerprint
from services.common.identifiers import IdentifierHasher
from services.common.ids import new_id
from services.membership import events as membership_events
from services.membership import store as membership_store
from services.membership.domain import Buyer, Status, identifiers_of, search_text
from services.membership.store import enrolment
from services.orders import events as orders_events
from services.orders import store as orders_store
from services.orders.domain import Draft, Line, Order, PaymentMethod
from services.orders.store import writing
from tests.bench.people import id_at, people, start_of_run

_LINES = (Line("SKU-1", "手工曲奇禮盒 Cookie box", 1, 12_800), Line("SKU-2", "手工曲奇禮盒 Cookie box", 2, 12_800))
# Digits that differ in every transaction: r is drawn by pgbench.
_DIGITS = "lpad(CAST(mod(CAST(:r AS bigint), 100000000) AS text), 8, '0')"


class _Noted(Exception):
    """Carries the values with which a service was about to execute its statement."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__("noted")
        self.values = values


class _Notes(Together):
    """Stands where a service's transactions begin, and breaks off at the first statement."""

    def __init__(self) -> None:
        """Without a database."""

    async def first(self, _: Statement, values: Mapping[str, Any]) -> Any:
        """Raises _Noted."""
        raise _Noted(values)


def transaction(context: str) -> str:
    """The pgbench script of the context's hot transaction: one big statement, which is a transaction of its own."""
    store_id = new_id()
    noted = run_sync({"orders": _noted_order, "membership": _noted_enrolment}[context](store_id))
    statement = _STATEMENTS[context]
    rendered = render(statement.text, noted.values, _VARYING[context])
    return f"\\set r random(1, {2**62})\n{rendered};\n"


async def _noted_order(store_id: UUID) -> _Noted:
    draft = Draft(
        paid=True,
        customer_id=None,
        contact=_someone(),
        add_as_member=True,
        channel=service_pb2.CHANNEL_API,
        currency="HKD",
        lines=_LINES,
        payment_method=PaymentMethod.CARD,
    )
    ids = {"order_id": new_id(), "new_customer_id": new_id(), "payment_id": new_id()}
    order = Order.place(draft, number=1, actor=f"api_key:{new_id()}", now=clock.now(), **ids)
    once: Once[Order] = Once(store_id, str(new_id()), fingerprint("bench", b""), _answer)
    try:
        await orders_store.insert_whole(_Notes(), once, order, [orders_events.placed(order)])
    except _Noted as noted:
        return noted
    raise AssertionError("orders wrote without a statement")


def _answer(order: Order) -> bytes:
    return service_pb2.CreateOrderResponse(order=orders_events.to_proto(order, whole=True)).SerializeToString()


async def _noted_enrolment(store_id: UUID) -> _Noted:
    contact, now = _someone(), clock.now()
    buyer = Buyer(
        order_id=new_id(),
        customer_id=new_id(),
        new_customer=True,
        contact=contact,
        add_as_member=True,
        trusted=True,
        language="",
        shipping_address=Address(),
        placed_at=now,
    )
    owned = identifiers_of(IdentifierHasher("k" * 32), contact)
    found_by = search_text(contact.name, contact.phone, contact.email)
    news = [membership_events.member_enrolled(buyer, owned, now)]
    try:
        await membership_store.insert_stranger(
            _Notes(), store_id, buyer, owned, owned, Status.MEMBER, found_by, news, now
        )
    except _Noted as noted:
        return noted
    raise AssertionError("membership wrote without a statement")


def _someone() -> Contact:
    person = next(person for person in people(start_of_run(), 0.5) if person.email)
    return Contact(person.name, person.phone, person.email)


def _id(kind: str) -> str:
    """A UUIDv7 of the transaction's time: the same wherever it stands in one transaction."""
    return id_at("now()", f"CAST(:r AS text) || '{kind}'")


def _digest(kind: str) -> str:
    return f"sha256(convert_to(CAST(:r AS text) || '{kind}', 'UTF8'))"


_STATEMENTS = {"orders": writing._INSERT_WHOLE, "membership": enrolment._INSERT_STRANGER}
_VARYING = {
    "orders": {
        "order_id": _id("o"),
        "number": "CAST(:r AS bigint)",
        "customer_id": _id("c"),
        "payment_id": _id("p"),
        "idempotency_key": f"CAST({_id('k')} AS text)",
        "contact_phone": f"'+852' || {_DIGITS}",
        "contact_email": f"'b' || {_DIGITS} || '@buyers.example'",
        "event_ids": f"ARRAY[{_id('e')}]",
        "event_aggregates": f"ARRAY[{_id('o')}]",
    },
    "membership": {
        "order_id": _id("o"),
        "customer_id": _id("c"),
        "phone": f"'+852' || {_DIGITS}",
        "email": f"'b' || {_DIGITS} || '@buyers.example'",
        **dict.fromkeys(("named_digests", "digests"), f"ARRAY[{_digest('p')}, {_digest('e')}]"),
        "haystack": f"'陳大文' || chr(10) || '+852' || {_DIGITS} || chr(10) || 'b' || {_DIGITS} || '@buyers.example'",
        "event_ids": f"ARRAY[{_id('e')}]",
        "event_aggregates": f"ARRAY[{_id('c')}]",
    },
}


def render(statement: str, values: Mapping[str, Any], varying: Mapping[str, str]) -> str:
    """The statement with its values written into it, those of `varying` as expressions."""
    return BIND.sub(lambda bind: varying.get(bind[1]) or literal(values[bind[1]]), statement)


def literal(value: Any) -> str:
    """A value as PostgreSQL reads it, without a colon that pgbench might take for a variable of its own."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value)
        case int():
            return str(int(value))
        case bytes():
            return f"decode('{value.hex()}', 'hex')"
        case UUID():
            return f"CAST('{value}' AS uuid)"
        case datetime():
            return f"to_timestamp({value.timestamp()})"
        case list() | tuple():
            return f"ARRAY[{', '.join(literal(item) for item in value)}]"
        case str():
            escaped = value.replace("\\", "\\\\").replace("'", "''").replace(":", "\\x3a")
            return f"E'{escaped}'"
    raise TypeError(f"no literal for {type(value).__name__}")
