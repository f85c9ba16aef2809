"""Orders of a store on a real PostgreSQL, as the tests of this folder place them."""

from __future__ import annotations

from services.common.contact import Address, Contact
from services.common.tokens import ServiceClaims
from services.orders import commands
from services.orders.domain import Channel, Draft, Line, Order, PaymentMethod
from tests.support.calls import once

DRAFT = Draft(
    paid=True,
    customer_id=None,
    contact=Contact("陳大文", "9451 2053", "Tai.Man@Example.com"),
    add_as_member=True,
    channel=Channel.CONSOLE,
    currency="HKD",
    lines=(Line("CD", "Compact disc", 2, 1_250), Line("LP", "Long player", 1, 9_900, 900)),
    shipping_address=Address("陳大文", "", ("彌敦道 1 號",), "油尖旺", "香港", "", "HK"),
    payment_method=PaymentMethod.CARD,
)


async def create(context: commands.Context, who: ServiceClaims, draft: Draft = DRAFT, key: str = "") -> Order:
    return await commands.create_order(context, who, once(who, key), draft)
