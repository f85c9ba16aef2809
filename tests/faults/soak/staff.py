"""Those who work in the store: clerks, the till, somebody who merges, imports and deletes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx

from gateway.auth import SESSION_COOKIE
from tests.faults.client import Person, somebody
from tests.faults.soak.history import OK
from tests.faults.soak.world import Actor, GaveUp, World, given

_LEAVE = 0.1
_LATER = "2099-12-31"


class Clerk(Actor):
    """Orders of new and known people, payments, refunds, mails sent again, points, parcels."""

    def step(self) -> None:
        act = self.dice.choices(
            (self._order, self._pay, self._refund, self._resend, self._adjust, self._ship, self._look),
            (8, 3, 2, 1, 3, 1, 2),
        )[0]
        act()

    def _order(self) -> None:
        world, kind = self.world, self.dice.choices(("new", "phone", "id"), (4, 2, 3))[0]
        known: list[Person | str] = [*world.some(self.dice, world.people)] if kind == "phone" else []
        known = [*world.some(self.dice, world.members)] if kind == "id" else known
        who = known[0] if known else somebody(email=self.dice.random() < 0.5)
        paid, tag = self.dice.random() < 0.7, self.new_tag()
        body = world.shop.draft(who, paid=paid, amount=self.dice.randint(100, 50_000), external_reference=tag)
        operation = self.post("order", "/orders", body, effect="order", tag=tag)
        if operation.outcome != OK:
            return
        order = operation.document
        with world.lock:
            (world.paid if paid else world.unpaid).append(order["order_id"])
            member = order["customer"]["customer_id"] if order["customer"]["status"] == "member" else ""
            if known:
                return
            # Who is to be deleted takes what is written of their points along, so nobody else may have to do with them.
            if member and self.dice.random() < _LEAVE:
                world.leaving.append(member)
            elif isinstance(who, Person):
                world.people.append(who)
                world.members += [member] * bool(member)

    def _pay(self) -> None:
        order_id = self.world.take(self.dice, self.world.unpaid)
        if not order_id:
            return
        tag = self.new_tag()
        body = {"method": "cash", "reference": tag}
        operation = self.post("payment", f"/orders/{order_id}/payment", body, effect="payment", tag=tag)
        if operation.outcome == OK:
            with self.world.lock:
                self.world.paid.append(order_id)

    def _refund(self) -> None:
        for order_id in self.world.some(self.dice, self.world.paid):
            tag = self.new_tag()
            body = {"amount_minor": self.dice.randint(1, 300), "method": "cash", "reason": tag}
            self.post("refund", f"/orders/{order_id}/refunds", body, effect="refund", tag=tag)

    def _resend(self) -> None:
        for order_id in self.world.some(self.dice, self.world.paid):
            self.post("mail again", f"/orders/{order_id}/resend-email", None, effect="resend", tag=order_id)

    def _adjust(self) -> None:
        for member in self.world.some(self.dice, self.world.members):
            tag = self.new_tag()
            points = self.dice.choice((-5, 10, 25))
            body = {"points": points, "note": tag} | ({"expires_on": _LATER} if points > 0 else {})
            self.post("points", f"/customers/{member}/points", body, effect="points", tag=tag)

    def _ship(self) -> None:
        for order_id in self.world.some(self.dice, self.world.paid):
            self.post("parcel", f"/orders/{order_id}/status", {"status": "shipped", "tracking": "SF 1"})

    def _look(self) -> None:
        for member in self.world.some(self.dice, self.world.members):
            self.get("look", f"/customers/{member}")


class Till(Actor):
    """The counter, by the session of the one who stands there."""

    def __init__(self, world: World, name: str, pause: float) -> None:
        super().__init__(world, name, pause)
        self._http = httpx.Client(
            base_url=f"{world.system.stack.settings.gateway_url}/pos/data",
            cookies={SESSION_COOKIE: world.shop.owner.credential},
            headers={"Accept-Language": "en"},
            timeout=30,
            transport=world.transport,
        )
        self._token = ""

    def step(self) -> None:
        if not self._token:
            session = self.ask("till opens", "", lambda: self._http.get("/session"))
            self._token = str(given(session).json()["csrf_token"])
        tag, world = self.new_tag(), self.world
        known = world.some(self.dice, world.members) if self.dice.random() < 0.5 else []
        line = {"title": "Tea", "quantity": 1, "unit_price_minor": self.dice.randint(100, 9_000)}
        sale = {
            "store_id": world.shop.store_id,
            "receipt": tag,
            "taken_at": (datetime.now(UTC) - timedelta(seconds=30)).isoformat(),
            "paid": True,
            "currency": "HKD",
            "lines": [line],
            **({"customer_id": known[0]} if known else {}),
        }
        headers = {"Idempotency-Key": tag, "X-CSRFToken": self._token}
        self.ask("sale", tag, lambda: self._http.post("/sales", json=sale, headers=headers), effect="order", tag=tag)


class Merger(Actor):
    """Two or three accounts into one; what has changed since the preview is refused, and that is that."""

    def step(self) -> None:
        world = self.world
        picked = list(dict.fromkeys(world.some(self.dice, world.members, self.dice.randint(2, 3))))
        live = list(
            dict.fromkeys(given(self.get("look", f"/customers/{each}")).json()["customer_id"] for each in picked)
        )
        if len(live) < 2:
            raise GaveUp
        adjustment = {"points": self.dice.choice((0, 7)), "expires_on": _LATER, "description": "soak"}
        wish = {"customer_ids": live, "primary_id": live[0]}
        plan = given(
            self.post("plan", "/merges/plans", wish | ({"adjustment": adjustment} if adjustment["points"] else {}))
        ).json()
        body = {"plan_id": plan["plan_id"], "plan_hash": plan["plan_hash"]}
        self.post("merge", "/merges", body, effect="merge", tag=plan["plan_id"])


class Importer(Actor):
    """A file of new members, checked and confirmed."""

    rows = 12

    def step(self) -> None:
        tag, api = self.new_tag(), self.world.shop.api
        lines = ["Name,Phone,Email,Birthday,Language,Tags,Address,Member Points,Points Expiry,Note"]
        lines += [f"{tag},{who.phone},,,,VIP,,3,{_LATER}," for who in (somebody() for _ in range(self.rows))]
        file, key = "\r\n".join(lines).encode(), f"{tag}-upload"
        upload = self.ask(
            "upload",
            key,
            lambda: api.once("POST", f"/imports?file_name={tag}", key=key, file=file),
            effect="upload",
            tag=tag,
        )
        checked = given(upload).json()
        body = {"check_number": checked["check_number"]}
        path = f"/imports/{checked['import_id']}/confirm"
        self.post("import", path, body, effect="import", tag=tag, size=self.rows)


class Deleter(Actor):
    """Members are deleted for good; who has registered may not be."""

    def step(self) -> None:
        picked = self.world.take(self.dice, self.world.leaving)
        if not picked:
            raise GaveUp
        found = given(self.get("look", f"/customers/{picked}")).json()
        body = {"confirmation": found["phone"] or found["email"] or found["name"]}
        member = found["customer_id"]
        self.post("deletion", f"/customers/{member}", body, effect="deletion", tag=member, method="DELETE")
