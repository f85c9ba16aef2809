"""What customers and staff are about when a process is killed, and what must be true of it afterwards."""

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from uuid import UUID

import httpx

from deploy.local import till
from services.common.tokens import ServiceClaims
from tests.faults.client import Json, Refused, Shop, somebody, until
from tests.faults.system import System


class Flow(ABC):
    """`prepare` while all is well, `run` through the fault as a patient client, `check` once the system has come to rest."""

    # Whether another one may be begun in the middle of a fault, without `prepare`.
    repeatable = False

    def __init__(self, system: System, shop: Shop) -> None:
        self.system = system
        self.shop = shop

    def prepare(self) -> None:  # noqa: B027 - not every flow needs anything
        """What must be there before."""

    @abstractmethod
    def run(self) -> None:
        """The client's part; repeats with the same Idempotency-Key until it has an answer."""

    @abstractmethod
    def check(self) -> None:
        """Asserts that everything happened once."""

    def _check_mail(self, recipient: str, kind: str, count: int = 1) -> None:
        """`count` messages, each sent once; one whose sender died at the wrong moment is unknown and came at most once (E)."""
        rows = self.system.rows(
            "notification",
            "SELECT message_id, state FROM messages WHERE store_id = $1 AND recipient = $2 AND kind = $3",
            UUID(self.shop.store_id),
            recipient,
            kind,
        )
        assert len(rows) == count, f"{len(rows)} messages of kind {kind} to {recipient}"
        arrived = [mail["message_id"] for mail in self.system.mails(recipient)]
        for message_id, state in rows:
            times = sum(str(message_id) in each for each in arrived)
            assert times == 1 if state == "sent" else (state, times) in {("unknown", 0), ("unknown", 1)}, (state, times)


class NewMember(Flow):
    """A paid order of somebody new with an e-mail: spawns a member, sends an order mail and a confirmation (A4, E5)."""

    repeatable = True
    paid = True

    def __init__(self, system: System, shop: Shop) -> None:
        super().__init__(system, shop)
        self.who = somebody()
        self.key = str(uuid.uuid4())
        self.order: Json = {}

    def run(self) -> None:
        self.order = self.shop.order(self.who, key=self.key, paid=self.paid)

    def check(self) -> None:
        again = self.shop.order(self.who, key=self.key, paid=self.paid)
        assert again["order_id"] == self.order["order_id"], "the same key gave another order (E7)"
        stored = self.shop.api.get(f"/orders?query={self.who.email}")["items"]
        assert [order["order_id"] for order in stored] == [self.order["order_id"]]
        [member] = self.shop.members_with(self.who.phone)
        assert stored[0]["customer_id"] == member["customer_id"]
        assert (member["orders_count"], member["net_spend_minor"]) == (1, 10_000)
        self._check_mail(self.who.email, "order_placed")
        self._check_mail(self.who.email, "confirm_login")


class KnownMember(NewMember):
    """A new order whose phone is a member's already: it goes to that member, by the event BuyerLinked."""

    repeatable = False

    def prepare(self) -> None:
        self.member_id = self.shop.member(self.who)

    def check(self) -> None:
        again = self.shop.order(self.who, key=self.key)
        assert again["order_id"] == self.order["order_id"], "the same key gave another order (E7)"
        orders = self.shop.orders_of(self.member_id)
        assert len(orders) == 2
        [member] = self.shop.members_with(self.who.phone)
        assert (member["customer_id"], member["orders_count"]) == (self.member_id, 2)
        self._check_mail(self.who.email, "order_placed", 2)
        self._check_mail(self.who.email, "confirm_login")


class NewGuest(NewMember):
    """An order of somebody new who shall not become a member, and is a guest (A4)."""

    def run(self) -> None:
        self.order = self.shop.order(self.who, key=self.key, member=False)

    def check(self) -> None:
        again = self.shop.order(self.who, key=self.key, member=False)
        assert again["order_id"] == self.order["order_id"], "the same key gave another order (E7)"
        guest = self.shop.customer(self.shop.settled(self.order["order_id"])["customer_id"])
        assert (guest["status"], guest["orders_count"], guest["net_spend_minor"]) == ("guest", 1, 10_000)
        self._check_mail(self.who.email, "order_placed")


class WithPoints(KnownMember):
    """An order of a member who pays a part of it with points: one order and one redemption, whoever died in between (B2)."""

    def prepare(self) -> None:
        super().prepare()
        # The first order is to have earned its 100 points, so that only the second one moves them from here on.
        until(lambda: self.shop.balance(self.member_id) == 100, 30, "the first order earns")

    def run(self) -> None:
        self.order = self._place()

    def check(self) -> None:
        assert self._place()["order_id"] == self.order["order_id"], "the same key gave another order (E7)"
        assert (self.order["points_redeemed"], self.order["points_discount_minor"]) == (60, 60)
        assert self.order["total_minor"] == 9_940
        assert len(self.shop.orders_of(self.member_id)) == 2
        rows = self.system.rows(
            "membership",
            "SELECT order_id, points, state FROM redemptions WHERE store_id = $1 AND customer_id = $2",
            UUID(self.shop.store_id),
            UUID(self.member_id),
        )
        assert [tuple(row) for row in rows] == [(UUID(self.order["order_id"]), 60, 3)]
        # 100 earned, 60 spent, and 99 for the 99.40 that were paid.
        assert self.shop.balance(self.member_id) == 139

    def _place(self) -> Json:
        return self.shop.order(self.member_id, key=self.key, redeem_points=60)


class Checkout(Flow):
    """A member checks a cart out with points: one order, one redemption, no cart left unchecked (E4, B2)."""

    def __init__(self, system: System, shop: Shop) -> None:
        super().__init__(system, shop)
        self.who = somebody()
        self.key = str(uuid.uuid4())
        self.order: Json = {}

    def prepare(self) -> None:
        self.member_id = self.shop.member(self.who)
        until(lambda: self.shop.balance(self.member_id) == 100, 30, "the first order earns")
        item = self.shop.api.sure("POST", "/items", {"name_en": "Tea", "unit_price_minor": 5_000})
        wish = {"customer_id": self.member_id, "lines": [{"item_id": item["item_id"], "quantity": 2}]}
        self.cart_id = self.shop.api.sure("POST", "/carts", wish)["cart_id"]
        line = {"item_id": item["item_id"], "quantity": 2, "unit_price_minor": 5_000}
        self.body = {"lines": [line], "redeem_points": 60}

    def run(self) -> None:
        self.order = self._check_out(self.key)

    def check(self) -> None:
        for key in (self.key, str(uuid.uuid4())):
            assert self._check_out(key)["order_id"] == self.order["order_id"], "the cart became another order (E7)"
        assert (self.order["total_minor"], self.order["status"]) == (9_940, "unpaid")
        assert len(self.shop.orders_of(self.member_id)) == 2
        assert self.shop.balance(self.member_id) == 40
        cart = self.shop.api.get(f"/carts/{self.cart_id}")
        assert (cart["state"], cart["order_id"]) == ("checked_out", self.order["order_id"])
        found = self.shop.api.get("/customers?cart_unchecked=true")["items"]
        assert self.member_id not in [each["customer_id"] for each in found]

    def _check_out(self, key: str) -> Json:
        return self.shop.api.sure("POST", f"/carts/{self.cart_id}/checkout", self.body, key=key)


class Payment(NewMember):
    """An unpaid order, paid later (E1)."""

    repeatable = False
    paid = False

    def prepare(self) -> None:
        super().run()
        self.payment_key = str(uuid.uuid4())

    def run(self) -> None:
        self.shop.pay(self.order["order_id"], key=self.payment_key)

    def check(self) -> None:
        super().check()
        order = self.shop.pay(self.order["order_id"], key=self.payment_key)
        assert (order["status"], len(order["payments"])) == ("paid", 1)
        assert [h["change"] for h in order["history"]].count("payment_confirmed") == 1


class OnlinePayment(NewMember):
    """An unpaid order that its customer pays at the provider, whose notice comes again until it is kept (E1)."""

    repeatable = False
    paid = False

    def prepare(self) -> None:
        super().run()
        stack = self.system.stack
        till.set_up(stack.running, ServiceClaims("staff:test", "owner", self.shop.store_id))
        self.page = self.shop.api.get(f"/orders/{self.order['order_id']}/payment-link")["url"]

    def run(self) -> None:
        address = until(self._checkout, 60, "the provider's page")
        httpx.post(address, data={"action": "pay"}, trust_env=False)
        path = f"/orders/{self.order['order_id']}"
        until(lambda: self.shop.api.get(path)["status"] != "unpaid", 60, f"{path} is paid")

    def _checkout(self) -> str:
        try:
            answer = httpx.post(f"{self.page}/pay", trust_env=False, timeout=30)
        except httpx.TransportError:
            return ""
        return answer.headers.get("Refresh", "").removeprefix("0; url=")

    def check(self) -> None:
        super().check()
        order = self.shop.api.get(f"/orders/{self.order['order_id']}")
        assert (order["status"], len(order["payments"])) == ("paid", 1)
        assert [h["change"] for h in order["history"]].count("payment_confirmed") == 1
        store_id, order_id = UUID(self.shop.store_id), UUID(self.order["order_id"])
        query = "SELECT state FROM payment_notices WHERE store_id = $1 AND order_id = $2"
        assert [state for (state,) in self.system.rows("orders", query, store_id, order_id)] == [2], "applied, once"
        query = "SELECT count(DISTINCT session) FROM payment_checkouts WHERE store_id = $1 AND order_id = $2"
        assert self.system.rows("orders", query, store_id, order_id) == [(1,)], "one checkout at the provider (E7)"


class OnlineRefund(OnlinePayment):
    """A part of an order that was paid online is given back by the provider, once, whoever dies in between (E1)."""

    def prepare(self) -> None:
        super().prepare()
        super().run()
        self.refund_key = str(uuid.uuid4())

    def run(self) -> None:
        path, body = f"/orders/{self.order['order_id']}/refunds", {"amount_minor": 2_500}
        self.shop.api.sure("POST", path, body, key=self.refund_key)

    def check(self) -> None:
        path = f"/orders/{self.order['order_id']}"
        done = until(
            lambda: (now := self.shop.api.get(path))["refunds"][0]["state"] == "done" and now, 60, f"{path} is refunded"
        )
        assert (done["refunded_minor"], len(done["refunds"])) == (2_500, 1)
        book = json.loads((self.system.stack.data.path / "payments" / "book.json").read_text())
        given = [
            r["amount"] for r in book["refunds"].values() if r["payment_intent"] == done["payments"][0]["reference"]
        ]
        assert given == [2_500]


class MergeOfThree(Flow):
    """Three accounts with a paid order each become one; an unpaid order stays until it is paid (F)."""

    points = 50

    def prepare(self) -> None:
        self.people = [somebody() for _ in range(3)]
        self.ids = [self.shop.member(who) for who in self.people]
        self.unpaid = self.shop.order(self.ids[1], paid=False)["order_id"]
        self.before = sum(self.shop.balance(customer_id) for customer_id in self.ids)
        self.plan = self.shop.plan(self.ids, points=self.points, expires_on="2099-12-31", description="welcome")
        self.key = str(uuid.uuid4())
        self.merge: Json = {}

    def run(self) -> None:
        self.merge = self.shop.commit(self.plan, key=self.key)

    def check(self) -> None:
        run = self.shop.ended(self.shop.commit(self.plan, key=self.key))
        assert run["merge_run_id"] == self.merge["merge_run_id"], "the same key started another merge (E7)"
        assert run["state"] == "completed", run
        runs = self.shop.api.get(f"/merges?customer_id={self.ids[0]}")["items"]
        assert len(runs) == 1
        survivor = self.shop.customer(self.ids[2])
        assert survivor["customer_id"] == self.ids[0]
        assert (survivor["orders_count"], survivor["net_spend_minor"]) == (3, 30_000)
        assert survivor["points_balance"] == self.before + self.points
        assert len(self.shop.orders_of(self.ids[1])) == 3, "the unpaid order stays where it is (F7)"
        order = self.shop.pay(self.unpaid)
        assert order["customer_id"] == self.ids[0], "the paid order goes to the survivor (F7)"
        assert [h["change"] for h in order["history"]].count("owner_changed") <= 1
        logins = self.shop.api.get(f"/customers/{self.ids[0]}/login-methods")["items"]
        assert {login["value"] for login in logins} == {self.people[0].phone, self.people[0].email}, "F3, F6"


class LevelRules(Flow):
    """Levels are saved, and who has spent enough moves with them, all or nothing (B6). A store has one set: run once."""

    repeatable = False

    def prepare(self) -> None:
        self.who, self.key = somebody(), str(uuid.uuid4())
        self.member_id = self.shop.member(self.who)
        until(lambda: self.shop.customer(self.member_id)["net_spend_minor"] == 10_000, 30, "the order counts")
        version = self.shop.api.get("/levels")["version"]
        rules = {"version": version, "levels": [{"name": "Silver", "threshold_minor": 5_000}]}
        simulated = self.shop.api.sure("POST", "/levels/simulate", rules)
        assert simulated["up_count"] == 1, simulated
        self.rules = rules | {"simulation_hash": simulated["simulation_hash"]}

    def run(self) -> None:
        self.saved = self.shop.api.sure("PUT", "/levels", self.rules, key=self.key)

    def check(self) -> None:
        assert self.shop.api.sure("PUT", "/levels", self.rules, key=self.key) == self.saved, "E7"
        path = f"/levels/runs/{self.saved['run_id']}"
        run = until(lambda: (now := self.shop.api.get(path))["finished_at"] and now, 30, "the levels are saved")
        assert (run["state"], run["up_count"]) == ("done", 1)
        level = self.shop.api.get(f"/customers/{self.member_id}/level")
        assert [change["to_level"] for change in level["items"]] == ["Silver"]


class ImportOfMembers(Flow):
    """A file of new members with points each, some with an e-mail (D4)."""

    rows = 120
    points = 7

    def prepare(self) -> None:
        self.people = [somebody(email=n in (0, self.rows - 1)) for n in range(self.rows)]
        header = "Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"
        lines = [f"{who.name},{who.phone},{who.email},,,VIP,,{self.points},2099-12-31," for who in self.people]
        self.file = "\r\n".join((header, *lines)).encode()
        self.keys = [str(uuid.uuid4()) for _ in range(2)]
        self.checked: Json = {}

    def run(self) -> None:
        self.checked = self.shop.api.sure("POST", "/imports", key=self.keys[0], file=self.file)
        self.confirmed = self._confirm()
        self.shop.imported(self.confirmed)

    def _confirm(self) -> Json:
        body = {"check_number": self.checked["check_number"]}
        path = f"/imports/{self.checked['import_id']}/confirm"
        return self.shop.api.sure("POST", path, body, key=self.keys[1])

    def check(self) -> None:
        again = self.shop.api.sure("POST", "/imports", key=self.keys[0], file=self.file)
        assert again == self.checked, "the same key and file gave another import (E7)"
        assert self._confirm() == self.confirmed
        done = self.shop.imported(self.confirmed)
        assert (done["rows"]["imported"], done["rows"]["failed"]) == (self.rows, 0)
        for who in (self.people[0], self.people[-1]):
            [member] = self.shop.members_with(who.phone)
            assert (member["name"], member["points_balance"]) == (who.name, self.points)
            self._check_mail(who.email, "confirm_login")
        once_more = self.shop.api.sure("POST", "/imports", file=self.file)
        assert once_more["rows"]["refused"] == self.rows, "the same file would make somebody twice"


class Deletion(Flow):
    """A member is deleted for good; the same phone later is a new member (C9)."""

    def prepare(self) -> None:
        self.who, self.key = somebody(), str(uuid.uuid4())
        self.member_id = self.shop.member(self.who)
        # Logins and mails follow by event; they shall be there to be ended.
        path = f"/customers/{self.member_id}"
        until(lambda: self.shop.api.get(f"{path}/login-methods")["items"], 30, "logins are there")
        until(lambda: len(self.shop.api.get(f"{path}/messages")["items"]) == 2, 30, "messages are there")

    def run(self) -> None:
        self.shop.delete(self.member_id, self.who.phone, key=self.key)

    def check(self) -> None:
        again = self.shop.delete(self.member_id, self.who.phone, key=self.key)
        assert again["finished_at"], "the same key gave another answer (E7)"
        gone = self.shop.customer(self.member_id)
        assert (gone["status"], gone["name"], gone["phone"], gone["points_balance"]) == ("deleted", "", "", 0)
        assert len(self.shop.orders_of(self.member_id)) == 1, "orders stay"
        assert self.shop.member(self.who) != self.member_id
        assert len(self.shop.members_with(self.who.phone)) == 1


class Erasure(Deletion):
    """A person is erased: the account, the contact on orders, the messages; the phone never comes back (C12, T)."""

    def run(self) -> None:
        self.shop.erase(self.member_id, self.who.phone, key=self.key)

    def check(self) -> None:
        self.shop.erase(self.member_id, self.who.phone, key=self.key)
        assert self.shop.customer(self.member_id)["status"] == "erased"
        [order] = self.shop.orders_of(self.member_id)
        assert (order["contact"], order["total_minor"]) == ({"name": "", "phone": "", "email": ""}, 10_000)
        messages = self.shop.api.get(f"/customers/{self.member_id}/messages")["items"]
        assert messages
        assert {message["recipient"] for message in messages} == {""}
        later = self.shop.settled(self.shop.order(self.who)["order_id"])
        assert self.shop.customer(later["customer_id"])["status"] == "guest"


def refused(answers: list[Json | Refused]) -> list[Refused]:
    """Those of the answers that are refusals."""
    return [answer for answer in answers if isinstance(answer, Refused)]
